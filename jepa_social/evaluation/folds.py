"""The leave-one-out table of what `suite=forecast` wrote: `python -m jepa_social.evaluation.folds runs/eth_ucy_*`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jepa_social.evaluation.results import read_differences, read_results
from jepa_social.evaluation.statistics import Interval

METRICS = ("ade", "fde")


def average(intervals: Sequence[Interval]) -> Interval:
    """Unweighted mean of independent folds; half widths add in squares, as for sums of independent normal errors."""
    count = len(intervals)
    mean = sum(i.mean for i in intervals) / count
    low = sum((i.mean - i.low) ** 2 for i in intervals) ** 0.5 / count
    high = sum((i.high - i.mean) ** 2 for i in intervals) ** 0.5 / count
    return Interval(mean, mean - low, mean + high, sum(i.n for i in intervals))


def fold_table(runs: Sequence[Path], suite: str = "forecast", ours: str = "jepa") -> Table:
    """ADE / FDE of every policy in every run, their unweighted average, and ours minus the baseline.

    Raises:
        FileNotFoundError: a run has no results of that suite.
    """
    scores, gaps = {}, {}
    for run in runs:
        found = read_results(run).get(suite)
        if found is None:
            raise FileNotFoundError(f"{run} has no results of suite={suite}: python eval.py run={run} suite={suite}")
        scores[run.name], gaps[run.name] = found, read_differences(run)[suite][ours]
    table = Table(title="ADE / FDE, m, with 95 % bootstrap intervals over windows", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in (*scores, "average"):
        table.add_column(name, justify="right")
    rows = list(next(iter(scores.values())))
    for row in rows:
        cells = [[one[row][m] for m in METRICS] for one in scores.values()]
        table.add_row(row, *_cells(cells), style="bold green" if row == ours else "")
    for baseline in (row for row in rows if row != ours):
        cells = [[one[m][baseline] for m in METRICS] for one in gaps.values()]
        table.add_row(f"{ours} − {baseline}", *_cells(cells))
    table.add_row("agents", *(str(one[ours]["ade"].n) for one in scores.values()), "")
    return table


def _cells(folds: list[list[Interval]]) -> list[str]:
    mean = [average(column) for column in zip(*folds, strict=True)]
    return [" / ".join(f"{i.mean:.3f} [{i.low:.3f}, {i.high:.3f}]" for i in fold) for fold in (*folds, mean)]


def main() -> None:
    """Print the table of the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="run directories, one a fold")
    Console().print(fold_table(parser.parse_args().runs))


if __name__ == "__main__":
    main()
