"""Dynamic updating: observers score what prototypes of this generative model did, and models see no character."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from jepa_social.evaluation.mind.change import (
    AFTER,
    SWITCH,
    change_columns,
    draw_trials,
    likelihoods,
    noticing,
    observer,
    settling,
    told,
)
from jepa_social.evaluation.mind.change_model import (
    ACT,
    SITUATION,
    as_interactions,
    by_gradient,
    choice_logs,
    fit_character,
    in_context,
)
from jepa_social.evaluation.mind.reactive import foresight, reactive_logs, static_reaction, true_reaction
from jepa_social.models.person import PersonModel
from jepa_social.worlds.partners import CHARACTERS

PROTOTYPE = {
    "change-point": (5.35, 4, 9),
    "window": (8.56, 6, 9),
    "leaky": (10.0, 8, 12),
    "prior": (30.9, 61, 61),
    "static": (82.6, 61, 61),
    "frozen": (93.4, 61, 61),
}
"""Cumulative excess log-loss, and steps until the right character has 0.5 and 0.9 (61: not within 60)."""


@pytest.fixture(scope="module")
def trials():
    return draw_trials(600, 0)


@pytest.fixture(scope="module")
def model() -> PersonModel:
    torch.manual_seed(0)
    return PersonModel(SITUATION, ACT, width=16, depth=1, heads=2).eval()


@pytest.mark.parametrize("how", PROTOTYPE)
def test_observers_score_what_prototypes_did(trials, how):
    (posterior, loss), (steady, calm) = observer(trials.changing, how), observer(trials.steady, how)
    excess, half, most = PROTOTYPE[how]
    assert change_columns(loss, calm, trials)["excess_after"].mean() == pytest.approx(excess, rel=0.08)
    alarms, steps = noticing(posterior, steady, trials)
    assert steps["steps_50"].mean == pytest.approx(half, abs=1)
    assert steps["steps_90"].mean == pytest.approx(most, abs=2)
    assert alarms["false_alarms"].mean() < 0.03 or how == "prior"


def test_who_knows_the_new_character_is_settled_at_once_and_who_does_not_learn_never(trials):
    known = told(trials.changing)
    assert settling(known, trials).mean == 1
    assert settling(1.11 * known.mean() + known, trials).mean == 61
    late = known.clone()
    late[:, SWITCH : SWITCH + 20] += 1.0
    assert settling(late, trials).mean == pytest.approx(21, abs=1)
    steps = {how: settling(observer(trials.changing, how)[1], trials) for how in ("change-point", "window", "static")}
    assert 5 < steps["change-point"].mean < 20
    assert steps["static"].mean == 61
    assert steps["change-point"].low <= steps["change-point"].mean <= steps["change-point"].high


def test_the_exact_observer_is_calibrated(trials):
    """Among people who change at the hazard that it expects, a character held probable p is right p of the time."""
    people = choice_logs(400, 60, 1 / 60, 5)
    posterior = observer(people, "change-point")[0][:, :-1]
    right = torch.nn.functional.one_hot(people.character, len(CHARACTERS)).bool()
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.01)):
        rows = (posterior >= low) & (posterior < high)
        assert abs(right[rows].float().mean() - posterior[rows].mean()) < 0.03


def test_people_change_once_or_never(trials):
    before, after = trials.changing.character[:, :SWITCH], trials.changing.character[:, SWITCH:]
    assert (before == before[:, :1]).all()
    assert (after == after[:, :1]).all()
    assert (before[:, 0] != after[:, 0]).all()
    assert (trials.steady.character == trials.steady.character[:, :1]).all()
    assert before.shape[1] + after.shape[1] == SWITCH + AFTER
    # and choose by what they care for: nobody foretells better than who knows it
    assert told(trials.changing).mean() < observer(trials.changing, "change-point")[1].mean()
    assert (likelihoods(trials.changing) <= 0).all()


MECHANISMS = (
    in_context,
    partial(by_gradient, rate=0.3, remembers=True),
    partial(by_gradient, rate=0.3, remembers=False),
)


@pytest.mark.parametrize("follow", MECHANISMS)
def test_mechanisms_see_neither_the_character_nor_the_future(model, follow):
    people = choice_logs(3, 14, 0.1, 0)
    choice = people.choice.clone()
    choice[:, 9:] = (choice[:, 9:] + 1) % 4
    lied = replace(people, character=(people.character + 1) % 6)
    latent, loss = follow(model, people)
    for one, two in zip((latent, loss), follow(model, lied), strict=True):
        assert torch.equal(one, two)
    other = follow(model, replace(people, choice=choice))[0]
    torch.testing.assert_close(latent[:, :10], other[:, :10], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(latent[:, 13], other[:, 13])


def test_what_is_on_offer_has_no_order(trials):
    flipped = as_interactions(
        replace(trials.changing, menu=trials.changing.menu.flip(2), choice=3 - trials.changing.choice)
    )
    same = as_interactions(trials.changing)
    torch.testing.assert_close(flipped.situation, same.situation)
    assert torch.equal(flipped.act, same.act)


def test_the_readout_reads_what_is_linear():
    torch.manual_seed(0)
    kind = torch.randint(6, (2000,))
    latent = 3.0 + 0.5 * torch.randn(2000, 8)
    latent[torch.arange(2000), kind] += 3.0
    readout = fit_character(latent[:1000], kind[:1000])
    assert (readout(latent[1000:]).argmax(-1) == kind[1000:]).float().mean() > 0.95


def test_reactive_partners_answer_as_prototypes_did():
    said = {name: value.mean() for name, value in true_reaction(200, 0).items()}
    assert [said[f"react_{k}"] for k in (1, 3, 5)] == pytest.approx([0.27, 0.59, 0.75], abs=0.005)
    assert all((value == 0).all() for value in static_reaction(200, 0).values())


def test_a_branch_of_imagination_is_the_ego_s_doing_alone():
    """A model that cannot see what the ego does foresees no reaction; one that can, does."""
    torch.manual_seed(0)
    model = PersonModel(2, 2, width=16, depth=1, heads=2).eval()
    seeing = foresight(model, 20, 0)["react_3"]
    blind = PersonModel(2, 2, width=16, depth=1, heads=2).eval()
    with torch.no_grad():
        for part in (blind.token, blind.target):
            next(part.parameters())[:, :2] = 0.0
        next(blind.predictor.parameters())[:, -2:] = 0.0
    assert abs(foresight(blind, 20, 0)["react_3"]).max() < 1e-6
    assert abs(seeing).max() > 1e-4


def test_trust_moves_towards_what_the_ego_did():
    logs, trust = reactive_logs(50, 12, 0)
    mine = logs.situation[:, 1:, 0]
    assert torch.allclose(trust[:, 1:-1] - trust[:, :-2], 0.3 * (mine - trust[:, :-2]), atol=1e-6)
