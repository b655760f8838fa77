"""The leave-one-out table of one suite: `python -m jepa_social.evaluation.folds runs/eth_ucy_*`.

Runs are sorted into folds by the `data.fold` of their `config.yaml`; several of one fold are its seeds. Other numbers:
`--metrics ade_20 joint_ade_20`; for replay: `--suite replay --metrics success collision time_ratio personal_space`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import stdev
from typing import NamedTuple

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from jepa_social.evaluation.results import Scores, read_differences, read_results
from jepa_social.evaluation.statistics import Interval
from jepa_social.runs import SETTINGS, read_settings

METRICS = ("ade", "fde")
"""What the forecast table shows."""
FOLDS = ("eth", "hotel", "univ", "zara1", "zara2")
"""The order of columns; folds of other names come behind."""


class Run(NamedTuple):
    """Scores `{row: {metric: Interval}}` of one run, rows `ours − baseline` among them."""

    fold: str
    seed: int
    rows: Scores


def read_runs(folders: Sequence[Path], suite: str = "forecast", ours: str = "jepa") -> list[Run]:
    """What the runs found in one suite, in the order of folds, then seeds.

    Raises:
        FileNotFoundError: a run has no results of that suite.
        ValueError: a run is of no fold, or two are of the same fold and seed.
    """
    runs: list[Run] = []
    for folder in folders:
        found = read_results(folder).get(suite)
        if found is None:
            raise FileNotFoundError(
                f"{folder} has no results of suite={suite}: python eval.py run={folder} suite={suite}"
            )
        settings = read_settings(folder)
        fold, seed = OmegaConf.select(settings, "data.fold"), OmegaConf.select(settings, "seed", default=0)
        if fold is None:
            raise ValueError(f"{folder / SETTINGS} has no data.fold: give runs of experiment=eth_ucy")
        if any((run.fold, run.seed) == (fold, seed) for run in runs):
            raise ValueError(f"{folder} is a second run of fold {fold} with seed {seed}: leave one out")
        rows = dict(found)
        for metric, gaps in read_differences(folder).get(suite, {}).get(ours, {}).items():
            for baseline, gap in gaps.items():
                rows.setdefault(f"{ours} − {baseline}", {})[metric] = gap
        runs.append(Run(fold, seed, rows))
    place = {name: i for i, name in enumerate(FOLDS)}
    return sorted(runs, key=lambda run: (place.get(run.fold, len(place)), run.fold, run.seed))


def over_runs(intervals: Sequence[Interval]) -> Interval:
    """Mean over runs that were tested on the same people: more seeds do not make the test larger, so ends average."""
    count = len(intervals)
    mean, low, high = (sum(getattr(i, name) for i in intervals) / count for name in ("mean", "low", "high"))
    return Interval(mean, low, high, intervals[0].n)


def over_folds(intervals: Sequence[Interval], pooled: bool = False) -> Interval:
    """Mean of independent folds, unweighted or (`pooled`) weighted by n.

    Half widths add in squares, as for sums of independent normal errors.
    """
    weight = [i.n if pooled else 1 for i in intervals]
    total = sum(weight)
    mean = sum(w * i.mean for w, i in zip(weight, intervals, strict=True)) / total
    low = sum((w * (i.mean - i.low)) ** 2 for w, i in zip(weight, intervals, strict=True)) ** 0.5 / total
    high = sum((w * (i.high - i.mean)) ** 2 for w, i in zip(weight, intervals, strict=True)) ** 0.5 / total
    return Interval(mean, mean - low, mean + high, sum(i.n for i in intervals))


def seed_spread(runs: Sequence[Run], row: str, metric: str) -> float | None:
    """Standard deviation, over the seeds that every fold has, of the mean of folds; None with fewer than two."""
    folds = {run.fold for run in runs}
    means = []
    for seed in sorted({run.seed for run in runs}):
        values = [run.rows[row][metric].mean for run in runs if run.seed == seed]
        if len(values) == len(folds):
            means.append(sum(values) / len(values))
    return stdev(means) if len(means) > 1 else None


def fold_table(
    folders: Sequence[Path], suite: str = "forecast", metrics: Sequence[str] = METRICS, ours: str = "jepa"
) -> Table:
    """`metrics` of every row in every fold (mean over its seeds), the mean of folds and pooled over agents.

    Behind the mean of folds stands ± its standard deviation over seeds. Rows that lack a metric somewhere are left out.

    Raises:
        As `read_runs`. ValueError: no row has all the metrics.
    """
    runs = read_runs(folders, suite, ours)
    folds = list(dict.fromkeys(run.fold for run in runs))
    rows = [row for row in runs[0].rows if all(m in run.rows.get(row, {}) for run in runs for m in metrics)]
    if not rows:
        raise ValueError(f"no row of suite={suite} has all of {list(metrics)} in every run: see results.json for names")
    seeds = len({run.seed for run in runs})
    title = f"{suite}: {' / '.join(metrics)}, {seeds} seed{'s' * (seeds > 1)}, with 95 % bootstrap intervals"
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for name in (*folds, "mean of folds", "pooled"):
        table.add_column(name, justify="right")
    for row in rows:
        each = {m: [over_runs([r.rows[row][m] for r in runs if r.fold == fold]) for fold in folds] for m in metrics}
        cells = [" / ".join(_say(each[m][i]) for m in metrics) for i in range(len(folds))]
        cells.append(" / ".join(_say(over_folds(each[m]), seed_spread(runs, row, m)) for m in metrics))
        cells.append(" / ".join(_say(over_folds(each[m], pooled=True)) for m in metrics))
        table.add_row(row, *cells, style="bold green" if row == ours else "")
    counts = [next(run.rows[rows[0]][metrics[0]].n for run in runs if run.fold == fold) for fold in folds]
    table.add_row("n", *map(str, counts), "", str(sum(counts)))
    return table


def _say(interval: Interval, spread: float | None = None) -> str:
    text = f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
    return text if spread is None else f"{text} ±{spread:.3f}"


def main() -> None:
    """Print the table of the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run directories, one for each fold and seed")
    parser.add_argument("--suite", default="forecast", help="which suite's results")
    parser.add_argument("--metrics", nargs="+", default=METRICS, help="names as in results.json")
    given = parser.parse_args()
    Console().print(fold_table(given.runs, given.suite, given.metrics))


if __name__ == "__main__":
    main()
