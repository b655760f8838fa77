"""R², AUC and ratios with intervals: scores that are no mean of anything, bootstrapped by window.

The draws depend only on the windows and the seed, so two policies scored on the same samples are resampled alike, and
the difference of their draws is a paired one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jepa_social.evaluation.statistics import LEVEL, Interval

DRAWS = 1000


@dataclass(frozen=True)
class Score:
    """A score, its bootstrap draws and the number of samples; NaN where it is not defined."""

    value: float
    draws: np.ndarray
    n: int

    def interval(self) -> Interval:
        """The score with its percentile interval."""
        return _interval(self.value, self.draws, self.n)

    def minus(self, other: "Score") -> Interval:
        """This score minus another one of the same samples, paired.

        Raises:
            ValueError: they are of different samples.
        """
        if self.n != other.n:
            raise ValueError(f"scores of {self.n} and {other.n} samples cannot be paired")
        return _interval(self.value - other.value, self.draws - other.draws, self.n)


def r2_score(prediction: np.ndarray, target: np.ndarray, window: np.ndarray, seed: int = 0) -> Score:
    """Coefficient of determination of `[K,C]`, squares summed over columns: 1 - residual / variance; 0 is the mean's.

    Columns share a unit (x and y), so one that hardly varies, such as lateral velocity, does not weigh like the other.
    """
    residual, value = np.square(prediction - target).sum(1), np.asarray(target, np.float64)
    parts = np.column_stack((np.ones(len(value)), residual, np.square(value).sum(1), value))

    def score(sums: np.ndarray) -> np.ndarray:
        count, error, square, mean = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
        return 1 - _divide(error, square - _divide(np.square(mean).sum(1), count))

    return of_sums(parts, window, score, seed)


def ratio_score(top: np.ndarray, bottom: np.ndarray, window: np.ndarray, seed: int = 0) -> Score:
    """Sum of `top [K]` over sum of `bottom [K]`."""
    return of_sums(np.column_stack((top, bottom)), window, lambda sums: _divide(sums[:, 0], sums[:, 1]), seed)


def auc_score(logit: np.ndarray, target: np.ndarray, window: np.ndarray, seed: int = 0) -> Score:
    """Area under the ROC curve of `logit [K]` for `target [K]` of 0 and 1: chance of right order, ties one half.

    NaN where one class is missing; draws that miss one are left out.
    """
    if not len(target):
        return Score(np.nan, np.full(1, np.nan), 0)
    member, weights = _weights(window, seed)
    level = np.unique(logit, return_inverse=True)[1]
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], np.diff(level[order]) > 0)))
    positive = np.asarray(target, np.float64)[order]

    def area(weight: np.ndarray) -> np.ndarray:
        weight = weight[:, member][:, order]
        yes = np.add.reduceat(weight * positive, starts, axis=1)
        no = np.add.reduceat(weight * (1 - positive), starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        return _divide((yes * below).sum(1), yes.sum(1) * no.sum(1))

    draws = np.concatenate([area(part) for part in np.array_split(weights, 10)])
    return Score(float(area(np.ones((1, weights.shape[1])))[0]), draws, len(target))


def of_sums(parts: np.ndarray, window: np.ndarray, score: Callable[[np.ndarray], np.ndarray], seed: int = 0) -> Score:
    """A score that is a function of the sums of `parts [K,C]` over samples: `score` maps `[R,C]` to `[R]`."""
    if not len(parts):
        return Score(np.nan, np.full(1, np.nan), 0)
    member, weights = _weights(window, seed)
    sums = np.zeros((weights.shape[1], parts.shape[1]))
    np.add.at(sums, member, parts)
    return Score(float(score(sums.sum(0, keepdims=True))[0]), score(weights @ sums), len(parts))


def _weights(window: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which window each sample is of, and how often each draw has each window `[DRAWS,M]`."""
    names, member = np.unique(window, return_inverse=True)
    chance = np.random.default_rng(seed)
    return member, chance.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS).astype(np.float64)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def _interval(value: float, draws: np.ndarray, n: int) -> Interval:
    draws = draws[~np.isnan(draws)]
    if np.isnan(value) or not len(draws):
        return Interval(np.nan, np.nan, np.nan, 0)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high), n)
