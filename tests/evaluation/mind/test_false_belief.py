from dataclasses import replace

import numpy as np
import pytest
import torch

from jepa_social.evaluation.mind.false_belief import THING, WALKER, balanced_hits, run_trials
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.moves import exact_move, grid_move, in_own_frame, next_move, towards
from jepa_social.evaluation.mind.observer import BeliefObserver, first_passage
from jepa_social.evaluation.mind.tomnet import answers, fit_tomnet
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.scenarios import FalseBelief

CEILING, COURSE = (0.77, 0.89, 0.95), (0.34, 0.72, 0.83)
"""What prototypes of this generative model gave for the exact observer and for constant velocity, at 0, 25 and 50 %."""


@pytest.fixture(scope="module")
def trials():
    return run_trials(range(4000))


def accuracy(row, trials) -> list[float]:
    return [float(balanced_hits(row(trials, share).argmax(-1), trials).mean()) for share in range(3)]


def test_the_observer_and_the_floors_score_what_prototypes_did(trials):
    np.testing.assert_allclose(accuracy(BeliefObserver().posterior, trials), CEILING, atol=0.03)
    np.testing.assert_allclose(accuracy(constant_velocity, trials), COURSE, atol=0.035)
    assert accuracy(reads_truth, trials) == pytest.approx([0.5] * 3)
    assert accuracy(never_updates, trials) == pytest.approx([0.5] * 3)


def test_the_observer_is_calibrated(trials):
    """At frames that are the same for all: how long a walk lasts is a hint that the observer is not given."""
    observer = BeliefObserver()
    weight = torch.where(trials.false, 1 - observer.noticed, observer.noticed).reciprocal()
    swap = trials.asked[:, :1]
    fixed = replace(trials, asked=torch.cat((swap, swap + 1, swap + 2), dim=1))
    for share in range(3):
        sure = observer.posterior(fixed, share)[torch.arange(len(trials.actual)), trials.actual]
        for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
            rows = (sure >= low) & (sure < high)
            if rows.sum() > 200:
                rate = ((~trials.false[rows]) * weight[rows]).sum() / weight[rows].sum()
                assert abs(rate - (sure[rows] * weight[rows]).sum() / weight[rows].sum()) < 0.06


def test_the_observer_knows_the_share_that_notice(trials):
    assert (~trials.false).double().mean() == pytest.approx(BeliefObserver().noticed, abs=0.02)


def test_the_answer_cannot_be_read_from_the_state_when_asked(trials):
    frame = trials.asked[:, 0]
    assert (frame == frame[0]).all()
    assert trials.scene.truth is None
    thing = trials.scene.position[:, trials.first_box + THING]
    assert (thing[:, int(frame[0])] != thing[:, int(frame[0]) - 1]).any(-1).all(), "it moves in this very frame"
    assert 0.3 < trials.false.double().mean() < 0.45


def test_questions_are_put_before_the_walker_arrives(trials):
    rows = torch.arange(len(trials.believed))
    box = trials.scene.position[rows, trials.first_box + trials.believed, 0]
    for share in range(3):
        assert torch.equal(
            trials.under_way(share),
            (trials.scene.position[rows, WALKER, trials.asked[:, share]] != trials.scene.position[:, WALKER, -1]).any(
                -1
            ),
        )
        here = trials.scene.position[rows, WALKER, trials.asked[:, share]]
        away = (here - box).abs().sum(-1)
        assert (away > 0).double().mean() > 0.97
    assert (trials.asked[:, 1:] > trials.asked[:, :1]).all()


def test_balanced_accuracy_weighs_both_kinds_alike(trials):
    guess = torch.where(trials.false, trials.believed, (trials.believed + 1) % 4)
    assert float(balanced_hits(guess, trials).mean()) == pytest.approx(0.5)


def test_the_moment_of_the_question_is_a_hint_that_a_ceiling_must_use(trials):
    blind, timed = (accuracy(BeliefObserver(timed=told).posterior, trials) for told in (False, True))
    assert timed[0] == blind[0], "the frame of the swap is the same for all"
    assert timed[1] > blind[1] + 0.02
    assert timed[2] > blind[2] + 0.01


def test_the_timed_observer_is_calibrated(trials):
    """At the very questions that are put, where the blind observer is not."""
    weight = torch.where(trials.false, 1 - BeliefObserver().noticed, BeliefObserver().noticed).reciprocal()
    rows = torch.arange(len(trials.actual))

    def error(timed: bool) -> float:
        sure = BeliefObserver(timed=timed).posterior(trials, 1)[rows, trials.actual].double()
        right = (~trials.false).double()
        return float(-(torch.where(right > 0, sure, 1 - sure).clamp(min=1e-6).log() * weight).mean())

    assert error(True) < error(False) - 0.02
    sure = BeliefObserver(timed=True).posterior(trials, 1)[rows, trials.actual]
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        some = (sure >= low) & (sure < high)
        if some.sum() > 100:
            rate = ((~trials.false[some]) * weight[some]).sum() / weight[some].sum()
            assert abs(rate - (sure[some] * weight[some]).sum() / weight[some].sum()) < 0.06


def test_a_fixed_number_of_frames_after_the_move_is_no_hint(trials):
    """Nobody is asked later than another, and the blind observer is calibrated among those under way."""
    rows = torch.arange(len(trials.actual))
    for question, frames in ((3, 2), (4, 4)):
        assert (trials.asked[:, question] == trials.asked[:, 0] + frames).all()
        among = trials.under_way(question)
        assert 0.8 < among.double().mean() < 1.0
        assert not among[
            (trials.scene.position[:, WALKER, 3 + frames] == trials.scene.position[:, WALKER, -1]).all(-1)
        ].any()
        noticed = float((~trials.false)[among].double().mean())
        sure = BeliefObserver(noticed=noticed).posterior(trials, question)
        right = balanced_hits(sure.argmax(-1), trials, among)
        assert torch.equal(right.isnan(), ~among)
        weight = torch.where(trials.false, 1 - noticed, noticed).reciprocal()
        moved = sure[rows, trials.actual]
        for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
            some = (moved >= low) & (moved < high) & among
            if some.sum() > 150:
                rate = ((~trials.false[some]) * weight[some]).sum() / weight[some].sum()
                assert abs(rate - (moved[some] * weight[some]).sum() / weight[some].sum()) < 0.06
        assert 0.85 < float(right.nanmean()) < 0.97


def test_first_passage_is_a_distribution_over_lengths_of_the_right_parity():
    target, here = torch.tensor([[[7, 7], [1, 1]]]), torch.tensor([[4, 4]])
    chance = first_passage(target, here, beta=1.0)
    assert chance.sum(-1) == pytest.approx(1.0, abs=1e-2)
    assert (chance[..., :6] == 0).all()
    assert (chance[..., 6] > 0.2).all()
    assert chance[..., 7].abs().max() == 0.0, "away from the edge every way back has the same parity"
    assert first_passage(here[:, None], here, beta=1.0)[0, 0, 0] == 1.0


def test_next_moves_are_told_in_the_walkers_own_frame(trials):
    move, made = next_move(trials, 1)
    assert made.double().mean() > 0.95
    turned = replace(trials, scene=trials.scene.transform(torch.pi / 2, [0.0, 0.0]))
    assert torch.equal(next_move(turned, 1)[0], move)
    assert torch.bincount(move, minlength=5).argmax() == 1, "most walk on"


def test_moves_of_who_goes_for_a_box_are_those_of_its_policy(trials):
    """By its belief the walker's moves are as likely as they come out; by the truth they are not where it is false."""
    move, made = next_move(trials, 1)

    def loss(box: torch.Tensor, rows: torch.Tensor) -> float:
        odds = towards(trials, 1, box)
        assert odds.exp().sum(-1) == pytest.approx(1.0, abs=1e-5)
        return float(-odds.gather(1, move[:, None])[:, 0][rows & made].mean())

    own = towards(trials, 1, trials.believed)
    entropy = float(-(own.exp() * own).sum(-1)[made].mean())
    assert loss(trials.believed, made) == pytest.approx(entropy, abs=0.03)
    assert loss(trials.actual, trials.false) > loss(trials.believed, trials.false) + 0.5
    exact = exact_move(trials, 1)
    assert float(-exact.gather(1, move[:, None])[:, 0][trials.false & made].mean()) < loss(trials.actual, trials.false)


def test_the_grid_and_the_own_frame_hold_the_same_odds(trials):
    odds = torch.randn(len(trials.believed), 5, generator=torch.Generator().manual_seed(0))
    own, (move, _), (step, _) = in_own_frame(trials, 1, odds), next_move(trials, 1), grid_move(trials, 1)
    assert torch.equal(own.gather(1, move[:, None]), odds.gather(1, step[:, None]))


def test_tomnet_learns_beliefs_and_never_looks_ahead(trials):
    some = trials.first(800)
    net = fit_tomnet(some, torch.ones(800), steps=60, seed=0)
    belief, _ = answers(net, some)
    assert float((belief[2].argmax(-1) == some.believed).double().mean()) > 0.4
    later = some.scene.clone()
    later.position[:, WALKER, int(some.asked[:, 1].max()) + 1 :] = 0.0
    changed, _ = answers(net, replace(some, scene=later))
    assert torch.equal(changed[1], belief[1])


def test_who_never_knew_goes_for_the_second_best():
    village = Village(FalseBelief(ignorant=True), limit=32)
    trials = run_trials(range(1500), 32, village)
    assert torch.equal(trials.believed[~trials.false], trials.actual[~trials.false])
    assert torch.equal(trials.believed[trials.false], trials.former[trials.false])
    assert (trials.moved != trials.former[:, None]).all(), "the second best lies in a third box"
    assert 0.2 < trials.false.double().mean() < 0.8
    noticed = float((~trials.false).double().mean())
    blind, timed = (
        float(balanced_hits(BeliefObserver(noticed=noticed, timed=t).posterior(trials, 1).argmax(-1), trials).mean())
        for t in (False, True)
    )
    assert 0.8 < blind < timed
    assert float(balanced_hits(reads_truth(trials, 1).argmax(-1), trials).mean()) == pytest.approx(0.5)


def test_one_cannot_be_ignorant_of_a_hidden_goal():
    with pytest.raises(ValueError, match="choose one"):
        FalseBelief(ignorant=True, hidden_goal=True)
