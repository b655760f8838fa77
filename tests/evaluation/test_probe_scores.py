"""R², AUC and ratios: values by hand, windows resampled whole, differences paired."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc

from jepa_social.evaluation.probe_scores import auc_score, r2_score, ratio_score


def test_r2_is_what_its_definition_says():
    chance = np.random.default_rng(0)
    target = chance.normal(size=(200, 2)) * [3.0, 0.01] + 5
    window = np.arange(200) // 4
    assert r2_score(target, target, window).interval().mean == pytest.approx(1)
    mean = np.broadcast_to(target.mean(0), target.shape)
    assert r2_score(mean, target, window).value == pytest.approx(0, abs=1e-9)
    guess = target + chance.normal(size=target.shape)
    expected = 1 - np.square(guess - target).sum() / np.square(target - target.mean(0)).sum()
    assert r2_score(guess, target, window).value == pytest.approx(expected)


def test_auc_agrees_with_a_library_ties_included():
    chance = np.random.default_rng(0)
    logit, target = np.round(chance.normal(size=300), 1), (chance.random(300) < 0.3).astype(float)
    expected = float(binary_auroc(torch.from_numpy(logit).sigmoid(), torch.from_numpy(target).int()))
    assert auc_score(logit, target, np.arange(300)).value == pytest.approx(expected, abs=1e-6)
    assert auc_score(np.zeros(300), target, np.arange(300)).value == pytest.approx(0.5)


def test_auc_of_one_class_is_no_number():
    interval = auc_score(np.arange(5.0), np.ones(5), np.arange(5)).interval()
    assert np.isnan(interval.mean)
    assert interval.n == 0


def test_windows_are_resampled_whole():
    chance = np.random.default_rng(0)
    target = np.repeat(chance.normal(size=(40, 1)), 10, axis=0)
    guess = target + np.repeat(chance.normal(size=(40, 1)), 10, axis=0)  # ten agents that share their luck
    whole = r2_score(guess, target, np.repeat(np.arange(40), 10)).interval()
    single = r2_score(guess, target, np.arange(400)).interval()
    assert whole.low < whole.mean < whole.high
    assert whole.high - whole.low > 2 * (single.high - single.low)


def test_intervals_cover_the_truth():
    hits = 0
    for seed in range(150):
        chance = np.random.default_rng(seed)
        target = chance.normal(size=(200, 1))
        interval = r2_score(target + 0.5 * chance.normal(size=(200, 1)), target, np.arange(200), seed).interval()
        hits += interval.low <= 0.75 <= interval.high
    assert 0.88 <= hits / 150 <= 0.99


def test_differences_are_paired():
    chance = np.random.default_rng(0)
    target = chance.normal(size=(300, 1))
    guess = target + chance.normal(size=(300, 1))
    window = np.arange(300)
    better = r2_score(0.98 * guess + 0.02 * target, target, window)
    gap = better.minus(r2_score(guess, target, window))
    assert gap.excludes(0)
    assert gap.high - gap.low < 0.2 * (better.interval().high - better.interval().low)
    with pytest.raises(ValueError, match="cannot be paired"):
        better.minus(r2_score(guess[:9], target[:9], window[:9]))


def test_a_ratio_is_one_of_sums():
    score = ratio_score(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.arange(2))
    assert score.value == 1.0
    assert (score.interval().low, score.interval().high) == (0.5, 1.5)
