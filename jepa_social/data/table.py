"""Anyone's tracks: CSV or Parquet with columns of any name, unit and rate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from jepa_social.data.checks import Origin, checked, require_columns
from jepa_social.data.schema import Recording, build, factorize, kind_index, to_numpy
from jepa_social.data.source import Deal, known_split, matching


class Table:
    """Reader of tables with a row per agent and time; a recording per file, or per value of the `scene` column.

    Args:
        path: a `.csv` or `.parquet` file, a glob pattern, or a list of them.
        time, agent, x, y: names of the columns; several for `agent` where an id counts only within, say, a kind.
        scene: column that tells recordings in one file apart, if there is one.
        kind: column of the agents' kinds; without it all are pedestrians.
        kinds: what the values of `kind` mean, such as `{ped: pedestrian, cart: vehicle}`.
        keep: boolean column; rows where it is false are left out.
        vx, vy, heading, radius: columns to take instead of what the positions say, in `scale` units/s, rad and `scale`
            units. Velocities that were smoothed with future samples leak the future into the past.
        extras: further columns to keep.
        rate: units of the time column per second: 1 for s, 1000 for ms, the frame rate for frame numbers.
        scale: metres per unit of x and y.
        dt: s between samples; by default the median step of each recording.
        separator: of CSV cells.
        val, test: see `Deal`. max_speed, glitches, in_order: see `checked`.

    Raises:
        FileNotFoundError: no file fits `path`.
        ValueError: a column is missing or not numeric, an unknown kind, and what `checked` and `Deal` raise.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        time: str = "time",
        agent: str | Sequence[str] = "agent",
        x: str = "x",
        y: str = "y",
        scene: str | None = None,
        kind: str | None = None,
        kinds: Mapping[str, str] | None = None,
        keep: str | None = None,
        vx: str | None = None,
        vy: str | None = None,
        heading: str | None = None,
        radius: str | None = None,
        extras: Sequence[str] = (),
        rate: float = 1.0,
        scale: float = 1.0,
        dt: float | None = None,
        separator: str = ",",
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.2,
        max_speed: float = 15.0,
        glitches: str = "error",
        in_order: bool = True,
    ):
        if rate <= 0 or scale <= 0:
            raise ValueError(f"data.source.rate={rate} and data.source.scale={scale} must be positive")
        self.files = matching(path, "data.source.path")
        numbers = {"time": time, "x": x, "y": y, "vx": vx, "vy": vy, "heading": heading, "radius": radius}
        self.numbers = {name: column for name, column in numbers.items() if column is not None}
        self.agent = [agent] if isinstance(agent, str) else list(agent)
        self.scene, self.kind, self.keep = scene, kind, keep
        self.kinds, self.extras = dict(kinds or {}), list(extras)
        self.rate, self.scale, self.dt, self.separator = rate, scale, dt, separator
        self.deal = Deal(val, test)
        self.max_speed, self.glitches, self.in_order = max_speed, glitches, in_order

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, in order of file and first row."""
        known_split(split)
        rows = [pair for path in self.files for pair in self._read(path)]
        dealt = self.deal.split([recording.name for recording, _ in rows])
        return [
            checked(recording, origin, self.max_speed, self.glitches, self.in_order)
            for (recording, origin), into in zip(rows, dealt, strict=True)
            if into == split
        ]

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        settings = {name: value for name, value in vars(self).items() if name not in ("files", "deal")}
        return {
            "reader": "table",
            **settings,
            "deal": self.deal.describe(),
            "files": [str(path) for path in self.files],
        }

    def _read(self, path: Path) -> list[tuple[Recording, Origin]]:
        """Unchecked recordings of one file, with the line of each row."""
        if path.suffix == ".parquet":
            table, first = pq.read_table(path), 1
        else:
            table, first = pv.read_csv(path, parse_options=pv.ParseOptions(delimiter=self.separator)), 2
        named = [*self.numbers.values(), *self.agent, *self.extras, *filter(None, (self.scene, self.kind, self.keep))]
        require_columns(table.column_names, named, path)
        line = np.arange(table.num_rows) + first
        if self.keep is not None:
            mask = table[self.keep].cast(pa.bool_()).fill_null(False)
            table, line = table.filter(mask), line[mask.to_numpy()]
        columns = {name: _numbers(table[column], column, path, line) for name, column in self.numbers.items()}
        columns["time"] = columns["time"] / self.rate
        for name in set(columns) & {"x", "y", "vx", "vy", "radius"}:
            columns[name] = columns[name] * self.scale
        columns["agent"] = _ids(table.select(self.agent), path, line)
        columns["kind"] = self._kind(table, path, line)
        columns |= {name: to_numpy(table[name]) for name in self.extras}
        code, names = (np.zeros(table.num_rows, int), [None]) if self.scene is None else factorize(table[self.scene])
        order = np.argsort(code, kind="stable")
        ends = np.searchsorted(code[order], np.arange(len(names)), side="right")
        starts = np.searchsorted(code[order], np.arange(len(names)), side="left")
        found = []
        for name, start, end in zip(names, starts, ends, strict=True):
            rows = order[start:end]
            title = path.stem if name is None else f"{path.stem}/{name}"
            part = {column: values[rows] for column, values in columns.items()}
            dt = self.dt or _median_step(part["agent"], part["time"], f"{path}, recording `{title}`")
            found.append((build(title, dt, part), Origin(str(path), line[rows])))
        return found

    def _kind(self, table: pa.Table, path: Path, line: np.ndarray) -> np.ndarray:
        if self.kind is None:
            return np.zeros(table.num_rows, np.int64)
        code, names = factorize(table[self.kind])
        return kind_index(code, [self.kinds.get(str(name), name) for name in names], path, line)


def _numbers(column: pa.ChunkedArray, name: str, path: Path, line: np.ndarray) -> np.ndarray:
    try:
        return column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        for row, value in enumerate(column.to_pylist()):
            try:
                float(value)
            except (TypeError, ValueError):
                raise ValueError(
                    f"{path}, row {line[row]}: `{name}` is {value!r}, not a number: repair the row"
                ) from None
        raise


def _ids(table: pa.Table, path: Path, line: np.ndarray) -> np.ndarray:
    """One integer column of ids as it is; anything else numbered."""
    for name in table.column_names:
        if (empty := table[name].is_null().to_numpy()).any():
            raise ValueError(f"{path}, row {line[np.argmax(empty)]}: `{name}` is empty: give every row its agent's id")
    if table.num_columns == 1 and pa.types.is_integer(table[0].type):
        return table[0].to_numpy().astype(np.int64)
    codes = np.stack([factorize(column)[0] for column in table.columns], axis=1)
    return np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _median_step(agent: np.ndarray, time: np.ndarray, where: str) -> float:
    order = np.lexsort((time, agent))
    step = np.diff(time[order])[np.diff(agent[order]) == 0]
    step = step[step > 0]
    if not len(step):
        raise ValueError(f"{where}: no agent has two samples, so the rate is unknown: set data.source.dt")
    return float(np.median(step))
