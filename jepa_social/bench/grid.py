"""A grid of training runs: rows (what is varied) x folds (what is held out) x seeds, from the config of an ablation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        name: what tables call it.
        overrides: of `configs/train.yaml`, as on its command line.
        x: where it lies on the curve's axis, for ablations that vary a number.
        line: the curve that it is a point of.
        suites: that it alone is scored on, beside those of all rows.
    """

    name: str
    overrides: tuple[str, ...]
    x: float | None = None
    line: str = ""
    suites: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Cell:
    """One training run and its evaluations.

    Attributes:
        index: place in the grid; the same in every process that expands the same config.
        row: the variant.
        fold: what is held out; empty if the grid has no folds.
        seed: training seed.
        folder: run directory.
        overrides: of `configs/train.yaml`, all of them.
        suites: overrides of `configs/eval.yaml`, one tuple a suite.
    """

    index: int
    row: Row
    fold: str
    seed: int
    folder: Path
    overrides: tuple[str, ...]
    suites: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.row.name, self.fold, f"seed {self.seed}")))


@dataclass(frozen=True)
class Grid:
    """An ablation.

    Attributes:
        name: of its folder of runs and of its files of results.
        title: heading of its tables.
        reference: the row that the others are compared with.
        metrics: `<metric>` of suite `forecast` or `<suite>.<metric>`, as `results.json` names them.
        baselines: policies of `results.json` that become rows of their own.
        x: title of the curve's axis; empty if the rows vary no number.
        rows: all variants, also those that `rows=[...]` leaves out.
        cells: in the order in which they are run.
    """

    name: str
    title: str
    reference: str
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]
    x: str
    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]


def expand(config: DictConfig) -> Grid:
    """The grid of `configs/bench/ablate.yaml`: `config.ablation`, with `train` and `eval` for all cells.

    Seeds are outermost and rows innermost: a bench that is cut short has compared all rows on what it has done.
    `${…}` in overrides refers to the bench's config, `\\${…}` to the run's that they change.

    Raises:
        ValueError: no rows, seeds, suites or metrics; a reference or a chosen row that is no row; names that share a
            folder; folds without an axis.
    """
    given = config.ablation
    for key in ("rows", "seeds", "suites", "metrics"):
        if not given[key]:
            raise ValueError(f"ablation.{key} is empty: a grid needs at least one")
    rows = [_row(name, value) for name, value in given.rows.items()]
    reference = given.reference or rows[0].name
    if reference not in [row.name for row in rows]:
        raise ValueError(f"ablation.reference={reference} is none of the rows: {', '.join(row.name for row in rows)}")
    unknown = set(config.rows) - {row.name for row in rows}
    if unknown:
        raise ValueError(f"rows={sorted(unknown)}: ablation.rows has only {', '.join(row.name for row in rows)}")
    chosen = [row for row in rows if row.name in (config.rows or [row.name])]
    if given.folds and not given.axis:
        raise ValueError("ablation.folds needs ablation.axis, the key of configs/train.yaml that takes their values")
    folds = [str(fold) for fold in given.folds or ()]
    root = Path(config.runs) / given.name
    _check_folders([row.name for row in chosen])
    cells = []
    for seed in given.seeds:
        for fold in folds or [""]:
            for row in chosen:
                overrides = (
                    "trainer.devices=1",  # a cell is one device's work; config.train may say otherwise
                    *given.base,
                    *([f"{given.axis}={fold}"] if fold else ()),
                    *config.train,
                    *row.overrides,
                    f"seed={seed}",
                )
                folder = root / _slug(row.name) / "_".join(filter(None, (_slug(fold), str(seed))))
                suites = tuple((*suite, *config.eval) for suite in (*given.suites, *row.suites))
                cells.append(Cell(len(cells), row, fold, int(seed), folder, overrides, suites))
    return Grid(
        given.name,
        given.title,
        reference,
        tuple(given.metrics),
        tuple(given.baselines or ()),
        given.x or "",
        tuple(rows),
        tuple(cells),
    )


def _row(name: str, value: Sequence[str] | Mapping) -> Row:
    plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    if isinstance(plain, Mapping):
        suites = tuple(tuple(suite) for suite in plain.get("suites") or ())
        return Row(str(name), tuple(plain["overrides"]), plain.get("x"), plain.get("line") or "", suites)
    return Row(str(name), tuple(plain or ()))


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _check_folders(names: Sequence[str]) -> None:
    taken: dict[str, str] = {}
    for name in names:
        other = taken.setdefault(_slug(name), name)
        if other != name:
            raise ValueError(f"ablation.rows `{other}` and `{name}` would share the folder {_slug(name)}: rename one")
