"""What a grid says: means over folds and seeds, and differences to the reference row.

The folds of a benchmark are fixed; what is drawn at random is the training seed. So the score of a row at one seed is
the unweighted mean over folds, and intervals are Student's over seeds: mean ± t(0.975, n - 1) s / √n with n seeds. The
difference to the reference row is taken seed by seed (same fold, same seed), then treated alike. With three seeds t is
4.30: wide, but of the coverage that it claims if seeds err normally, where a bootstrap over three seeds covers far
less. The intervals say how much of a gap may be luck of the seed; they do not say that it would hold on other folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy.stats import t

from jepa_social.bench.records import OURS, Record
from jepa_social.evaluation.statistics import LEVEL, Interval

Metric = tuple[str, str]
"""Suite and name."""


@dataclass(frozen=True)
class LineScore:
    """One row and metric.

    Attributes:
        folds: mean over seeds of each fold, with its interval over seeds; folds without a number are absent.
        mean: mean over folds and seeds; its `n` counts the seeds that have all folds.
        gap: mean minus that of the reference row, over the seeds that both have; None for the reference row.
        seeds: mean over folds of each seed.
    """

    folds: dict[str, Interval]
    mean: Interval
    gap: Interval | None
    seeds: dict[int, float]


@dataclass(frozen=True)
class Line:
    """One row of the tables: `scores` by metric, `x` and `line` as in `Row`; a `baseline` was not trained here."""

    name: str
    x: float | None
    line: str
    baseline: bool
    scores: dict[Metric, LineScore]


@dataclass(frozen=True)
class Summary:
    """All rows of a grid in order, with the folds and metrics they have.

    `counts` are the numbers of agents or episodes of the first metric in each fold: one, if all rows are scored on the
    same ones.
    """

    title: str
    reference: str
    x_label: str
    folds: list[str]
    counts: dict[str, list[int]]
    metrics: list[Metric]
    lines: list[Line]


def shown_suite(metric: Metric, metrics: Sequence[Metric]) -> str:
    """The suite of a metric that others have by the same name, for titles; else nothing."""
    return metric[0].replace("_", " ") if sum(metric[1] == name for _, name in metrics) > 1 else ""


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean and 95 % Student interval; no interval (NaN) of fewer than two values, and no mean of none."""
    n = len(values)
    if n < 2:
        return Interval(float(values[0]) if n else nan, nan, nan, n)
    half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * float(np.std(values, ddof=1)) / sqrt(n)
    mean = float(np.mean(values))
    return Interval(mean, mean - half, mean + half, n)


def summarise(records: Sequence[Record]) -> Summary:
    """Means, intervals and differences of the records of one grid.

    Raises:
        ValueError: no records, or the same row, fold, seed and metric twice.
    """
    if not records:
        raise ValueError("no records: is the CSV empty?")
    values: dict[tuple[str, Metric], dict[tuple[str, int], float]] = {}
    for record in records:
        of_row = values.setdefault((record.row, (record.suite, record.metric)), {})
        if (record.fold, record.seed) in of_row:
            raise ValueError(f"{record.row}, fold {record.fold}, seed {record.seed}: {record.metric} is there twice")
        of_row[record.fold, record.seed] = record.value
    folds = list(dict.fromkeys(record.fold for record in records))
    first = records[0]
    lines: dict[str, Line] = {}
    for record in records:
        line = Line(record.row, record.x, record.line, record.policy != OURS, {})
        lines.setdefault(record.row, line)
    for (row, metric), known in values.items():
        seeds = _fold_means(known, folds)
        reference = _fold_means(values.get((first.reference, metric), {}), folds)
        both = [seeds[seed] - reference[seed] for seed in seeds if seed in reference]
        lines[row].scores[metric] = LineScore(
            {f: over_seeds(part) for f in folds if (part := [v for (fold, _), v in known.items() if fold == f])},
            over_seeds(list(seeds.values())),
            None if row == first.reference else over_seeds(both),
            seeds,
        )
    metrics = list(dict.fromkeys((record.suite, record.metric) for record in records))
    counts = {
        fold: sorted({r.n for r in records if r.fold == fold and (r.suite, r.metric) == metrics[0]}) for fold in folds
    }
    return Summary(first.title, first.reference, first.x_label, folds, counts, metrics, list(lines.values()))


def _fold_means(values: dict[tuple[str, int], float], folds: Sequence[str]) -> dict[int, float]:
    """Unweighted mean over folds of each seed that has them all."""
    seeds = sorted({seed for _, seed in values})
    whole = [seed for seed in seeds if all((fold, seed) in values for fold in folds)]
    return {seed: float(np.mean([values[fold, seed] for fold in folds])) for seed in whole}
