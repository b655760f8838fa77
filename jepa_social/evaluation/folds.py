"""The leave-one-out table of one suite: `python -m jepa_social.evaluation.folds runs/eth_ucy_*`.

For replay: `--suite replay --metrics success collision time_ratio personal_space`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jepa_social.evaluation.results import read_differences, read_results
from jepa_social.evaluation.statistics import Interval

METRICS = ("ade", "fde")
"""What the forecast table shows."""


def average(intervals: Sequence[Interval]) -> Interval:
    """Unweighted mean of independent folds; half widths add in squares, as for sums of independent normal errors."""
    count = len(intervals)
    mean = sum(i.mean for i in intervals) / count
    low = sum((i.mean - i.low) ** 2 for i in intervals) ** 0.5 / count
    high = sum((i.high - i.mean) ** 2 for i in intervals) ** 0.5 / count
    return Interval(mean, mean - low, mean + high, sum(i.n for i in intervals))


def fold_table(
    runs: Sequence[Path], suite: str = "forecast", metrics: Sequence[str] = METRICS, ours: str = "jepa"
) -> Table:
    """`metrics` of every policy in every run, their unweighted average, and ours minus each baseline.

    Raises:
        FileNotFoundError: a run has no results of that suite.
    """
    scores, gaps = {}, {}
    for run in runs:
        found = read_results(run).get(suite)
        if found is None:
            raise FileNotFoundError(f"{run} has no results of suite={suite}: python eval.py run={run} suite={suite}")
        scores[run.name], gaps[run.name] = found, read_differences(run)[suite][ours]
    table = Table(title=f"{suite}: {' / '.join(metrics)}, with 95 % bootstrap intervals", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in (*scores, "average"):
        table.add_column(name, justify="right")
    rows = list(next(iter(scores.values())))
    for row in rows:
        cells = [[one[row][m] for m in metrics] for one in scores.values()]
        table.add_row(row, *_cells(cells), style="bold green" if row == ours else "")
    for baseline in (row for row in rows if row != ours):
        cells = [[one[m][baseline] for m in metrics] for one in gaps.values()]
        table.add_row(f"{ours} − {baseline}", *_cells(cells))
    table.add_row("n", *(str(one[ours][metrics[0]].n) for one in scores.values()), "")
    return table


def _cells(folds: list[list[Interval]]) -> list[str]:
    mean = [average(column) for column in zip(*folds, strict=True)]
    return [" / ".join(f"{i.mean:.3f} [{i.low:.3f}, {i.high:.3f}]" for i in fold) for fold in (*folds, mean)]


def main() -> None:
    """Print the table of the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="run directories, one a fold")
    parser.add_argument("--suite", default="forecast", help="which suite's results")
    parser.add_argument("--metrics", nargs="+", default=METRICS, help="names as in results.json")
    given = parser.parse_args()
    Console().print(fold_table(given.runs, given.suite, given.metrics))


if __name__ == "__main__":
    main()
