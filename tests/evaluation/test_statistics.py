"""Intervals cover what they claim, pairs and clusters count."""

import numpy as np
import pytest

from jepa_social.evaluation.statistics import Interval, bootstrap_columns, bootstrap_mean, paired_difference


def coverage(draw, truth, tries=250, **options):
    hits = 0
    for seed in range(tries):
        interval = bootstrap_mean(*draw(np.random.default_rng(seed)), resamples=400, seed=seed, **options)
        hits += interval.low <= truth <= interval.high
    return hits / tries


def test_interval_covers_the_mean_as_often_as_it_says():
    assert 0.90 <= coverage(lambda rng: (rng.exponential(2.0, 100),), 2.0) <= 0.985
    assert 0.72 <= coverage(lambda rng: (rng.normal(1.0, 3.0, 100),), 1.0, level=0.8) <= 0.87


def test_clusters_must_be_resampled_whole():
    def draw(rng, clustered):
        shared = np.repeat(rng.normal(0.0, 1.0, 40), 10)  # ten agents a window that share all their luck
        return (shared, np.repeat(np.arange(40), 10)) if clustered else (shared,)

    assert coverage(lambda rng: draw(rng, True), 0.0) > 0.88
    assert coverage(lambda rng: draw(rng, False), 0.0) < 0.6


def test_clustered_mean_is_the_mean_of_values():
    values, cluster = np.array([1.0, 1.0, 4.0, np.nan]), np.array(["a", "a", "b", "b"])
    interval = bootstrap_mean(values, cluster)
    assert (interval.mean, interval.n) == (2.0, 3)
    assert (interval.low, interval.high) == (1.0, 4.0)


def test_columns_have_the_intervals_of_each_by_itself():
    rng = np.random.default_rng(0)
    values, cluster = rng.normal(size=(90, 3)), np.sort(rng.integers(0, 20, 90))
    values[:, 2] = np.nan
    for column, found in enumerate(bootstrap_columns(values, cluster)[:2]):
        alone = bootstrap_mean(values[:, column], cluster)
        assert (found.mean, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high))
        assert found.n == 90
    values[cluster == 3, 0] = np.nan
    part, _, nothing = bootstrap_columns(values, cluster)
    assert (part.mean, part.n) == (pytest.approx(np.nanmean(values[:, 0])), int((cluster != 3).sum()))
    assert part.low < part.mean < part.high
    assert (nothing.n, np.isnan(nothing.low)) == (0, True)
    with pytest.raises(ValueError, match=r"values must be \[n,C\]"):
        bootstrap_columns(values, cluster[:-1])


def test_missing_values_are_left_out_and_counted():
    interval = bootstrap_mean([1.0, np.nan, 3.0])
    assert (interval.mean, interval.n) == (2.0, 2)
    assert (interval.low, interval.high) == (1.0, 3.0)
    nothing = bootstrap_mean([np.nan, np.nan])
    assert nothing.n == 0
    assert np.isnan([nothing.mean, nothing.low, nothing.high]).all()


def test_seeded():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values)


def test_paired_difference_has_the_sign_of_ours_minus_theirs_and_uses_the_pairing():
    rng = np.random.default_rng(0)
    luck = rng.normal(0.0, 10.0, 200)
    ours, theirs = luck + 1.0 + 0.1 * rng.normal(size=200), luck
    difference = paired_difference(ours, theirs)
    assert difference.low > 0.9
    assert difference.excludes(0)
    assert paired_difference(theirs, ours).high < -0.9
    apart = bootstrap_mean(ours), bootstrap_mean(theirs)
    assert apart[0].low < apart[1].high, "without pairing the difference would drown in luck"
    assert not Interval(0.1, -0.1, 0.3, 9).excludes(0)
    missing = paired_difference([1.0, np.nan, 5.0], [0.0, 1.0, np.nan])
    assert (missing.mean, missing.n) == (1.0, 1)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="same seeds"):
        paired_difference([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="cluster must be"):
        bootstrap_mean([1.0, 2.0], [0])
    with pytest.raises(ValueError, match=r"must be \[n\]"):
        bootstrap_mean([[1.0]])
