"""Scores of one capability: rows with intervals, and the share of the way from floor to ceiling."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import AFTER, SHARES, Trials, balanced_hits
from jepa_social.evaluation.mind.moves import next_move
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.statistics import Interval, bootstrap_mean, paired_difference

CEILING, TIMED, FLOOR = "exact observer", "exact observer, knows when it is asked", 0.5
"""The floor of a row that reads the true state, or never updates: right on one half of the balanced trials."""
KEYS = tuple(f"belief_{round(100 * share)}" for share in SHARES)
VIEW = "perspective, no network"
FRAME_KEYS = tuple(f"frame_{frames}" for frames in AFTER)
Columns = dict[str, np.ndarray]
"""Metric to `[K]`, one number a trial (or person), whose mean is the score."""
Scored = tuple[Scores, dict[str, dict[str, dict[str, Interval]]]]
"""Rows, and ours minus every other, as `merge_scores` takes them."""


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
        columns["nll_false_25"] = torch.where(trials.false, loss, torch.nan).numpy()
        columns["nll_true_25"] = torch.where(trials.false, torch.nan, loss).numpy()
    return columns


def frame_columns(answers: list[Tensor], trials: Trials) -> Columns:
    """Balanced accuracy `AFTER` fixed numbers of frames, of those still under way then.

    Args:
        answers: `[K]` the box said, for each of `AFTER`.
        trials: what was asked.
    """
    columns: Columns = {}
    for i, (key, answer) in enumerate(zip(FRAME_KEYS, answers, strict=True)):
        columns[key] = balanced_hits(answer, trials, trials.under_way(len(SHARES) + i)).numpy()
    return columns


def move_columns(odds: Tensor, trials: Trials) -> Columns:
    """Accuracy and log-loss (nats) of the next move at 25 %, on false and on true beliefs; NaN where none is made.

    Args:
        odds: `[K,5]` log-probabilities, as `moves` has them.
        trials: what was asked.
    """
    move, made = next_move(trials, 1)
    hit = (odds.argmax(-1) == move).double()
    loss = -odds.gather(-1, move[:, None])[:, 0].double().clamp(min=-20.0)
    columns: Columns = {}
    for name, rows in (("false", trials.false & made), ("true", ~trials.false & made)):
        columns[f"move_{name}"] = torch.where(rows, hit, torch.nan).numpy()
        columns[f"move_nll_{name}"] = torch.where(rows, loss, torch.nan).numpy()
    return columns


def summarise(
    found: Mapping[str, Columns],
    ours: str,
    shares: Mapping[str, tuple[str, float | str] | tuple[str, float | str, str]],
    cluster: Tensor | None = None,
) -> Scored:
    """Intervals of every row, with shares of gaps between floor and ceiling, and ours minus every other.

    Args:
        found: columns of every row, all over the same trials.
        ours: the row that others are compared with.
        shares: name of a share to the metric it is of, its floor, a number or the name of a row, and the row that is
            the ceiling (`CEILING` if left out). It is bootstrapped as a ratio over the same trials, so it knows that
            both ends are measured.
        cluster: `[K]` which trials have something in common; none by default.
    """
    scores = {name: {m: bootstrap_mean(v, cluster) for m, v in row.items()} for name, row in found.items()}
    for share, (metric, floor, *given) in shares.items():
        low = floor if isinstance(floor, float) else found[str(floor)][metric]
        ceiling = given[0] if given else CEILING
        for name, row in found.items():
            if name != ceiling and metric in row:
                scores[name][share] = _ratio(row[metric] - low, found[ceiling][metric] - low)
    gaps: dict[str, dict[str, Interval]] = {}
    for other, row in found.items():
        for metric in row:
            if other != ours and metric in found[ours]:
                gaps.setdefault(metric, {})[other] = paired_difference(found[ours][metric], row[metric], cluster)
    return scores, {ours: gaps}


def joined(parts: list[Scored], ours: str) -> Scored:
    """Capabilities as one table: rows of the same name are one row."""
    scores: Scores = {}
    gaps: dict[str, dict[str, Interval]] = {}
    for part, differences in parts:
        for name, row in part.items():
            scores[name] = scores.get(name, {}) | row
        gaps |= differences[ours]
    return scores, {ours: gaps}


def _ratio(part: np.ndarray, whole: np.ndarray, resamples: int = 2000) -> Interval:
    if not np.nanmean(whole):  # floor and ceiling coincide: there is no way to go
        return Interval(np.nan, np.nan, np.nan, 0)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(resamples // 100):  # so many at a time fit into a cache
        rows = rng.integers(len(part), size=(100, len(part)))
        total = np.nanmean(whole[rows], axis=1)
        drawn.append(np.nanmean(part[rows], axis=1) / np.where(total == 0, np.nan, total))
    low, high = np.nanquantile(np.concatenate(drawn), [0.025, 0.975])
    return Interval(float(np.nanmean(part) / np.nanmean(whole)), float(low), float(high), int(np.isfinite(part).sum()))
