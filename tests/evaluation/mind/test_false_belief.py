from dataclasses import replace

import numpy as np
import pytest
import torch

from jepa_social.evaluation.mind.false_belief import THING, WALKER, balanced_hits, run_trials
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.observer import BeliefObserver

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
        here = trials.scene.position[rows, WALKER, trials.asked[:, share]]
        away = (here - box).abs().sum(-1)
        assert (away > 0).double().mean() > 0.97
    assert (trials.asked[:, 1:] > trials.asked[:, :1]).all()


def test_balanced_accuracy_weighs_both_kinds_alike(trials):
    guess = torch.where(trials.false, trials.believed, (trials.believed + 1) % 4)
    assert float(balanced_hits(guess, trials).mean()) == pytest.approx(0.5)
