"""Uncertainty of a mean: percentile bootstrap (Efron 1979), paired and clustered.

Every number of the results carries an interval. Two policies are compared on the same seeds, pair by pair. Agents of
one window share its events, so forecasts are resampled by window or recording, not by agent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95
RESAMPLES = 2000
_CHUNK = 2_000_000  # numbers drawn at a time: bounds memory for large tables


@dataclass(frozen=True)
class Interval:
    """A mean, its 95 % interval and the number of values it is over; NaN (n = 0) where there were none."""

    mean: float
    low: float
    high: float
    n: int

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside: for a paired difference and 0, whether the difference is clear."""
        return bool(self.low > value or self.high < value)


def bootstrap_mean(
    values: ArrayLike, cluster: ArrayLike | None = None, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Mean of `values [n]` and its percentile interval; NaN values are left out.

    Args:
        values: one number an episode, agent, …
        cluster: `[n]` labels; whole clusters are resampled and the mean stays that of the values (ratio of sums).
        level: coverage.
        resamples: bootstrap draws.
        seed: of the draws.

    A rate of exactly 0 or 1 has an interval of no width, as all draws agree: read it with n (3/n bounds the rest).

    Raises:
        ValueError: `values` is not one-dimensional or `cluster` does not fit it.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1:
        raise ValueError(f"values must be [n], got {data.shape}")
    if cluster is not None and np.shape(cluster) != data.shape:
        raise ValueError(f"cluster must be {data.shape} like values, got {np.shape(cluster)}")
    known = ~np.isnan(data)
    data = data[known]
    if not len(data):
        return Interval(np.nan, np.nan, np.nan, 0)
    if cluster is None:
        sums, counts = data, np.ones_like(data)
    else:
        member = np.unique(np.asarray(cluster)[known], return_inverse=True)[1]
        sums, counts = np.bincount(member, weights=data), np.bincount(member).astype(np.float64)
    means = _resampled_means(sums, counts, resamples, np.random.default_rng(seed))
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(data.mean()), float(low), float(high), len(data))


def paired_difference(
    ours: ArrayLike, theirs: ArrayLike, cluster: ArrayLike | None = None, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Mean of ours - theirs `[n]` on the same seeds, and its interval; pairs with a NaN are left out.

    Raises:
        ValueError: the two differ in length.
    """
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"paired values must have one shape, got {a.shape} and {b.shape}: use the same seeds")
    return bootstrap_mean(a - b, cluster, level, seed=seed)


def bootstrap_columns(
    values: ArrayLike, cluster: ArrayLike, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """`bootstrap_mean` of every column of `values [n,C]`, all on the same draws of clusters, in one matrix product.

    For many scores of the same agents: C columns cost little more than one. NaN values are left out of their column.

    Raises:
        ValueError: `values` is not `[n,C]` or `cluster` is not `[n]`.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 2 or np.shape(cluster) != data.shape[:1]:
        raise ValueError(f"values must be [n,C] and cluster [n], got {data.shape} and {np.shape(cluster)}")
    known = ~np.isnan(data)
    names, member = np.unique(np.asarray(cluster), return_inverse=True)
    sums, counts = np.zeros((2, len(names), data.shape[1]))
    np.add.at(sums, member, np.where(known, data, 0.0))
    np.add.at(counts, member, known.astype(np.float64))
    rng, means = np.random.default_rng(seed), []
    size = max(1, _CHUNK // max(1, len(names)))
    for start in range(0, resamples, size):
        pick = rng.integers(len(names), size=(min(size, resamples - start), len(names)))
        pick += np.arange(len(pick))[:, None] * len(names)
        weight = np.bincount(pick.ravel(), minlength=pick.size).reshape(pick.shape).astype(np.float64)
        means.append(_ratio(weight @ sums, weight @ counts))
    tail = (1 - level) / 2
    low, high = np.nanquantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    mean, count = _ratio(sums.sum(0), counts.sum(0)), known.sum(0)
    columns = zip(mean, low, high, count, strict=True)
    return [Interval(float(m), float(lo), float(hi), int(n)) for m, lo, hi, n in columns]


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _resampled_means(sums: np.ndarray, counts: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    size = max(1, _CHUNK // len(sums))
    means = []
    for start in range(0, resamples, size):
        pick = rng.integers(len(sums), size=(min(size, resamples - start), len(sums)))
        means.append(sums[pick].sum(1) / counts[pick].sum(1))
    return np.concatenate(means)
