"""Results of a grid as one flat CSV: a line per cell and metric, with all that tables and figures need.

Rows, folds and metrics keep the order of the grid. Baselines (policies that nobody trained here, such as constant
velocity) are read from the cells of the reference row and stand under their own name.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from jepa_social.bench.cells import NOTE
from jepa_social.bench.grid import Cell, Grid, Row
from jepa_social.evaluation.results import read_json, read_results
from jepa_social.files import with_draft

OURS = "jepa"
SUITE = "forecast"
"""The suite of a metric that names none."""


@dataclass(frozen=True)
class Record:
    """One number.

    Attributes:
        title, reference, x_label: of the grid, the same in every line.
        row, line, x: the variant, its curve and its place on the axis (None without one).
        fold, seed: of the training run.
        policy, suite, metric: where `results.json` has it.
        value: mean over the `n` agents or episodes of the suite.
        commit, date, seconds: the code that ran the cell, when it ended, what it took.
    """

    title: str
    reference: str
    x_label: str
    row: str
    line: str
    x: float | None
    fold: str
    seed: int
    policy: str
    suite: str
    metric: str
    value: float
    n: int
    commit: str
    date: str
    seconds: float


def collect(grid: Grid, done: Sequence[Cell]) -> list[Record]:
    """The records of the cells that are done, in the order rows, folds, seeds, metrics; baselines last.

    Raises:
        KeyError: a cell of the reference row lacks a suite or a metric that the grid names, or there is no such
            baseline. Other rows may have less: constant velocity has no likelihood, five intents no best of twenty.
    """
    folds = list(dict.fromkeys(cell.fold for cell in grid.cells))
    ordered = sorted(done, key=lambda cell: (grid.rows.index(cell.row), folds.index(cell.fold), cell.seed))
    found = [record for cell in ordered for record in _of_cell(grid, cell, OURS, cell.row)]
    for baseline in grid.baselines:
        cells = [cell for cell in ordered if cell.row.name == grid.reference]
        found += [record for cell in cells for record in _of_cell(grid, cell, baseline, Row(baseline, ()))]
    return found


def earlier(grid: Grid, fresh: Sequence[Record], old: Sequence[Record], stale: Collection[Cell]) -> list[Record]:
    """Those of `old` that stay beside `fresh`: of cells that this call did not run, with their own commit and date.

    Args:
        grid: of this call.
        fresh: what it collected.
        old: what the CSV had.
        stale: cells whose folders hold runs with other settings: what the CSV has of them is not this grid's.

    Returns:
        Records of rows, baselines and metrics that the grid still has, under its title, reference, axis and curves.
    """
    metrics = {(suite or SUITE, metric) for suite, _, metric in (name.rpartition(".") for name in grid.metrics)}
    gone = {(record.row, record.fold, record.seed) for record in fresh}
    for cell in stale:
        names = (cell.row.name, *(grid.baselines if cell.row.name == grid.reference else ()))
        gone |= {(name, cell.fold, cell.seed) for name in names}
    rows = {row.name: row for row in (*(Row(name, ()) for name in grid.baselines), *grid.rows)}
    return [
        replace(
            record,
            title=grid.title,
            reference=grid.reference,
            x_label=grid.x,
            line=rows[record.row].line,
            x=rows[record.row].x,
        )
        for record in old
        if record.row in rows
        and (record.suite, record.metric) in metrics
        and (record.row, record.fold, record.seed) not in gone
    ]


def ordered(grid: Grid, records: Iterable[Record]) -> list[Record]:
    """By row, fold and seed as `collect` orders them."""
    records, rows = list(records), [*(row.name for row in grid.rows), *grid.baselines]
    folds = list(dict.fromkeys([*(cell.fold for cell in grid.cells), *(record.fold for record in records)]))
    return sorted(records, key=lambda record: (rows.index(record.row), folds.index(record.fold), record.seed))


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write the CSV whole."""

    def write(draft: Path) -> None:
        with draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Record)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(record) for record in records)

    with_draft(path, write)


def read_records(path: Path) -> list[Record]:
    """What `write_records` wrote.

    Raises:
        ValueError: a column is missing or a cell is no number, with file and line.
    """
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = [field.name for field in fields(Record) if field.name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} lacks the columns {', '.join(missing)}: is it a file of jepa_social.ablate?")
        records = []
        for number, line in enumerate(reader, start=2):
            try:
                records.append(_parsed(line))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
    return records


def _of_cell(grid: Grid, cell: Cell, policy: str, row: Row) -> Iterator[Record]:
    results, note = read_results(cell.folder), read_json(cell.folder / NOTE)
    for name in grid.metrics:
        suite, _, metric = name.rpartition(".")
        suite = suite or SUITE
        scores = results.get(suite, {})
        interval = scores.get(policy, {}).get(metric)
        if interval is None and (row.name == grid.reference or not any(policy in each for each in results.values())):
            if not scores:
                raise KeyError(f"{cell.folder}/results.json has no suite {suite}: name it in ablation.suites")
            known = {p: sorted(each) for p, each in scores.items()}
            raise KeyError(f"{cell.folder}/results.json: suite {suite} has no {metric} of `{policy}`; it has {known}")
        if interval is None:
            continue
        yield Record(
            grid.title, grid.reference, grid.x, row.name, row.line, row.x, cell.fold, cell.seed, policy, suite, metric,
            interval.mean, interval.n, note["commit"], note["date"], note["seconds"],
        )  # fmt: skip


def _parsed(line: dict[str, str]) -> Record:
    text = {field.name: line[field.name] for field in fields(Record)}
    numbers = {
        "x": float(text["x"]) if text["x"] else None,
        "seed": int(text["seed"]),
        "value": float(text["value"]),
        "n": int(text["n"]),
        "seconds": float(text["seconds"]),
    }
    return Record(**(text | numbers))  # pyright: ignore[reportArgumentType]
