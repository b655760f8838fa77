"""Scores of one capability: rows with intervals, and the share of the way from floor to ceiling."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import SHARES, Trials, balanced_hits
from jepa_social.evaluation.statistics import Interval, bootstrap_mean, paired_difference

CEILING, FLOOR = "exact observer", 0.5
"""The floor of a row that reads the true state, or never updates: right on one half of the balanced trials."""
KEYS = tuple(f"belief_{round(100 * share)}" for share in SHARES)
Columns = dict[str, np.ndarray]
"""Metric to `[K]`, one number a trial, whose mean is the score."""
Summary = tuple[dict[str, dict[str, Interval]], dict[str, dict[str, dict[str, Interval]]]]
"""Row to metric to interval; ours to metric to other row to interval of ours minus the other."""


def belief_columns(scores: list[Tensor], trials: Trials, likely: bool) -> Columns:
    """Balanced accuracy at each share, on false and on true beliefs at 25 %, and the log-loss of the answer.

    Args:
        scores: `[K,4]` for each share, the greatest wins; log-probabilities if `likely`.
        trials: what was asked.
        likely: whether there is a log-loss to speak of (balanced too, nats).
    """
    columns: Columns = {}
    for key, score in zip(KEYS, scores, strict=True):
        columns[key] = balanced_hits(score.argmax(-1), trials).numpy()
    hit = (scores[1].argmax(-1) == trials.believed).double()
    columns["false_25"] = torch.where(trials.false, hit, torch.nan).numpy()
    columns["true_25"] = torch.where(trials.false, torch.nan, hit).numpy()
    if likely:
        loss = -scores[1].gather(-1, trials.believed[:, None])[:, 0].double().clamp(min=-20.0)
        columns["nll_25"] = (loss * balanced_hits(trials.believed, trials)).numpy()
    return columns


def summarise(
    found: Mapping[str, Columns], ours: str, metric: str = KEYS[1], floor: float | str = FLOOR, gap: str = "gap_25"
) -> Summary:
    """Intervals of every row, with the share of the gap between floor and ceiling, and ours minus every other.

    The share is bootstrapped as a ratio over the same trials, so it knows that both ends are measured.

    Args:
        found: rows, all over the same trials.
        ours: the row that others are compared with.
        metric: whose gap it is.
        floor: a number, or the row that stands for it.
        gap: what the share is called.
    """
    scores = {name: {key: bootstrap_mean(v) for key, v in row.items()} for name, row in found.items()}
    low = found[floor][metric] if isinstance(floor, str) else floor
    for name, row in found.items():
        if name not in (CEILING, floor) and metric in row:
            scores[name][gap] = _ratio(row[metric] - low, found[CEILING][metric] - low)
    gaps: dict[str, dict[str, Interval]] = {}
    for other, row in found.items():
        for key in row:
            if other != ours and key in found[ours]:
                gaps.setdefault(key, {})[other] = paired_difference(found[ours][key], row[key])
    return scores, {ours: gaps}


def joined(parts: Sequence[Summary]) -> Summary:
    """Several capabilities as one table: rows of the same name become one."""
    scores: dict[str, dict[str, Interval]] = {}
    gaps: dict[str, dict[str, dict[str, Interval]]] = {}
    for rows, differences in parts:
        for name, row in rows.items():
            scores.setdefault(name, {}).update(row)
        for name, metrics in differences.items():
            for metric, others in metrics.items():
                gaps.setdefault(name, {}).setdefault(metric, {}).update(others)
    return scores, gaps


def _ratio(part: np.ndarray, whole: np.ndarray, resamples: int = 2000) -> Interval:
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(resamples):
        rows = rng.integers(len(part), size=len(part))
        drawn.append(part[rows].mean() / whole[rows].mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(part.mean() / whole.mean()), float(low), float(high), len(part))
