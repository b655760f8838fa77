"""Four situations: the exact observer is exact, minds see behaviour only, and scores are what they are called."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from jepa_social.evaluation.mind.tolerance import (
    ASKED,
    CELLS,
    MINDED,
    acquaint,
    as_interactions,
    calibration_error,
    cells,
    live_through,
    past_dealings,
    tolerance_columns,
)
from jepa_social.evaluation.mind.tolerance_conduct import altruistic, conduct, selfish
from jepa_social.evaluation.mind.tolerance_observer import Counting, Mind, ToleranceObserver, features
from jepa_social.mind.social_reward import BelievedReward
from jepa_social.models.person import PersonModel
from jepa_social.worlds.tolerance import NOW, PAST, REACHES, SITUATIONS, Dealings, judged, shown, tolerances

Fresh = Callable[[int], Mind]


@pytest.fixture(scope="module")
def minds() -> dict[str, Fresh]:
    torch.manual_seed(0)
    model = PersonModel(16, 5, width=16, depth=1, heads=2).eval()
    past, asked = past_dealings(300, 64, 1), past_dealings(60, 64, 2)
    worth = torch.tensor([0.2, -0.5, -0.7, -1.2, 0.9])
    return {
        "learned": partial(BelievedReward, model, worth),
        "exact": ToleranceObserver,
        "counting": partial(Counting, past, asked),
    }


NAMES = ["learned", "exact", "counting"]


def dealings(situation: list[int], intensity: list[int], behaviour: list[int]) -> Dealings:
    unknown = torch.zeros(1, len(situation))
    return Dealings(torch.tensor([situation]), torch.tensor([intensity]), torch.tensor([behaviour]), unknown)


def after(mind: Mind, lived: Dealings) -> Mind:
    for t, known in enumerate(features(lived.situation, lived.intensity).unbind(1)):
        mind.observe(known, lived.behaviour[:, t])
    return mind


def test_the_exact_observer_is_brute_force():
    """Draws of whole people, weighed by how likely they make what was seen."""
    lived = dealings([0, 0, 3, 1], [3, 2, 3, 1], [3, 2, 4, 1])
    people = tolerances(400_000, PAST, torch.Generator().manual_seed(0))
    weight = torch.ones(len(people))
    for s, k, b in zip(lived.situation[0], lived.intensity[0], lived.behaviour[0], strict=True):
        weight *= shown(judged(people[:, s], s.expand(len(people)), k.expand(len(people))))[:, b]
    mind = after(ToleranceObserver(1), lived)
    for index in (1, 3, 6, 10, 13, 15):
        situation, intensity = (which[:, index] for which in cells(1))
        truth = judged(people[:, situation[0]], situation.expand(len(people)), intensity.expand(len(people)))
        asked = features(situation, intensity)
        assert mind.reward(asked).item() == pytest.approx(float((weight * truth).sum() / weight.sum()), abs=0.012)
        chance = (weight[:, None] * shown(truth)).sum(0) / weight.sum()
        assert mind.expects(asked)[0].tolist() == pytest.approx(chance.tolist(), abs=0.008)


def test_the_exact_observer_is_ahead_of_all_floors_among_people_like_those_of_the_past(minds):
    people = acquaint(400, 5, PAST)
    rows: dict[str, Mind] = {
        "exact": ToleranceObserver(400),
        "alone": ToleranceObserver(400, likeness=0.0),
        "frozen": ToleranceObserver(400, learns=False),
        "counting": minds["counting"](400),
        "average": Counting(past_dealings(300, 64, 1), past_dealings(60, 64, 2), 400, learns=False),
        "learned": minds["learned"](400),
    }
    found = {name: tolerance_columns(live_through(mind, people.lived), people) for name, mind in rows.items()}
    for n in (5, 20, 60):
        for score in ("judged", "shown_nll"):
            for floor in set(rows) - {"exact"}:
                assert found["exact"][f"{score}_{n}"].mean() < found[floor][f"{score}_{n}"].mean(), (floor, score, n)
    oracle = ToleranceObserver(400, told=people.tolerance)
    known = tolerance_columns(live_through(oracle, people.lived), people)
    assert all(known[f"{score}_{n}"].max() == 0 for score in ("judged", "needless", "unaware") for n in ASKED)
    assert known["shown_nll_0"].mean() < found["exact"]["shown_nll_60"].mean()
    assert found["exact"]["shown_ece_20"].mean() < 0.03, "it is calibrated where its prior is true"


@pytest.mark.parametrize("name", [*NAMES, "alone"])
def test_what_happens_in_one_situation_informs_of_another_or_does_not(minds, name):
    fresh = minds.get(name, partial(ToleranceObserver, likeness=0.0))
    harsh, mild = (after(fresh(1), dealings([0] * 6, [2] * 6, [b] * 6)) for b in (3, 0))

    def apart(situation: int) -> float:
        asked = features(torch.tensor([situation]), torch.tensor([REACHES - 1]))
        return float(mild.reward(asked) - harsh.reward(asked))

    elsewhere = [apart(s) for s in (1, 2, 3)]
    if name == "exact":
        assert min(elsewhere) > 0.02
        assert apart(0) > 0.2
    elif name == "learned":
        assert all(abs(x) > 1e-5 for x in elsewhere)
    else:
        assert elsewhere == pytest.approx([0.0] * 3, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_truth_never_enters(minds, name):
    lived = past_dealings(20, 25, 3)
    lied = replace(lived, evaluation=lived.evaluation - 5.0)
    one, two = (live_through(minds[name](20), seen) for seen in (lived, lied))
    for n in one:
        assert all(torch.equal(a, b) for a, b in zip(one[n], two[n], strict=True))
    plain, other = as_interactions(lived), as_interactions(lied)
    for field in ("situation", "acts", "choice", "known"):
        assert torch.equal(getattr(plain, field), getattr(other, field))


@pytest.mark.parametrize("name", NAMES)
def test_people_are_known_one_by_one(minds, name):
    """In another order, or half of them alone: the same is thought of each."""
    lived = past_dealings(12, 20, 4)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))[:7]
    whole = live_through(minds[name](12), lived)
    fields = ("situation", "intensity", "behaviour", "evaluation")
    some = live_through(minds[name](7), Dealings(*(getattr(lived, f)[order] for f in fields)))
    for n in whole:
        for a, b in zip(whole[n], some[n], strict=True):
            torch.testing.assert_close(a[order], b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_beliefs_wait_for_behaviour(minds, name):
    lived = past_dealings(8, 20, 6)
    other = replace(lived, behaviour=lived.behaviour.clone())
    other.behaviour[:, 5] = (other.behaviour[:, 5] + 1) % 5  # the sixth
    one, two = (live_through(minds[name](8), seen) for seen in (lived, other))
    assert torch.equal(one[5][1], two[5][1])
    assert not torch.equal(one[20][1], two[20][1])
    assert torch.allclose(one[20][1].sum(-1), torch.ones(8, CELLS), atol=1e-5)


def test_counting_goes_from_the_average_to_what_was_seen(minds):
    often = after(minds["counting"](1), dealings([1] * 400, [2] * 400, [4] * 400))
    assert often.expects(features(torch.tensor([1]), torch.tensor([2])))[0, 4] > 0.95
    past, asked = past_dealings(300, 64, 1), past_dealings(60, 64, 2)
    where = (past.situation == 1) & (past.intensity == 2)
    share = torch.bincount(past.behaviour[where], minlength=5) / where.sum()
    average = Counting(past, asked, 1, learns=False)
    expected = average.expects(features(torch.tensor([1]), torch.tensor([2])))[0]
    assert expected.tolist() == pytest.approx(share.tolist(), abs=0.01)


def test_scores_of_known_beliefs():
    people = acquaint(300, 7, NOW)
    sure = torch.nn.functional.one_hot(people.behaviour[..., 0], 5) * 0.96 + 0.008
    found = tolerance_columns({0: (people.evaluation - 0.2, sure)}, people)
    assert found["judged_0"].mean() == pytest.approx(0.2, abs=1e-6)
    assert found["judged_bias_crowded_0"].mean() == pytest.approx(-0.2, abs=1e-6)
    near = (people.evaluation >= MINDED) & (people.evaluation < MINDED + 0.2)
    assert found["needless_0"].mean() == pytest.approx(float(near.float().mean()), abs=1e-6)
    assert found["unaware_0"].max() == 0.0
    for score in ("judged_bias", "needless", "shown_nll"):
        places = [found[f"{score}_{place}_0"].mean() for place in SITUATIONS]
        assert np.mean(places) == pytest.approx(found[f"{score}_0"].mean())


def test_calibration_error_is_that_of_the_bins():
    odds = torch.tensor([0.8, 0.05, 0.05, 0.05, 0.05]).expand(1000, 2, 5)
    generator = torch.Generator().manual_seed(0)
    hits = torch.rand(1000, 2, 3, generator=generator) < 0.6
    error = calibration_error(odds, torch.where(hits, 0, 1))
    assert error.mean() == pytest.approx(0.2, abs=0.02)
    over, under = odds[:, :1], torch.tensor([0.45, 0.4, 0.05, 0.05, 0.05]).expand(1000, 1, 5)
    both = calibration_error(torch.cat((over, under), 1), torch.where(hits, 0, 1))
    assert both.mean() == pytest.approx((0.2 + 0.15) / 2, abs=0.02), "errors of two bins do not cancel"


def test_conduct_follows_what_is_believed():
    tolerance = tolerances(300, NOW, torch.Generator().manual_seed(0))
    oracle, exact, frozen = (
        conduct(mind, tolerance, 60, 3)
        for mind in (
            ToleranceObserver(300, told=tolerance),
            ToleranceObserver(300),
            ToleranceObserver(300, learns=False),
        )
    )
    rules = [conduct(rule, tolerance, 60, 3) for rule in (selfish, altruistic)]
    for score in ("acted_own", "acted_welfare"):
        ladder = [found[score].mean() for found in (oracle, exact, frozen)]
        assert ladder == sorted(ladder, reverse=True)
        assert ladder[0] > max(rule[score].mean() for rule in rules) + 0.05
    assert rules[0]["acted_welfare"].mean() < rules[1]["acted_welfare"].mean()
