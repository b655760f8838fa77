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
from jepa_social.data.source import Deal, matching


class Table:
    """Reader of tables with a row per agent and time; a recording per file, or per value of the `scene` column.

    Args:
        path: a `.csv` or `.parquet` file, a glob pattern, or a list of them.
        time, agent, x, y: names of the columns; several for `agent` where an id counts only within, say, a kind.
        scene, kind, vx, vy, heading, radius: optional columns. None takes the column of that very name, where a file
            has it; a name takes that column, which must be there; False leaves it out. `scene` tells recordings in one
            file apart. Without `kind` all are pedestrians. The others, in `scale` units/s, rad and `scale` units, take
            the place of what the positions say. Velocities that were smoothed with future samples leak the future into
            the past.
        kinds: what the values of `kind` mean, such as `{ped: pedestrian, cart: vehicle}`.
        keep: boolean column; rows where it is false are left out.
        extras: further columns to keep.
        rate: units of the time column per second: 1 for s, 1000 for ms, the frame rate for frame numbers.
        scale: metres per unit of x and y.
        dt: s between samples; by default the median step of each recording.
        separator: of CSV cells.
        val, test, cut: see `Deal`.
        max_speed, glitches, in_order: see `checked`.

    Raises:
        FileNotFoundError: no file fits `path`.
        ValueError: a column is missing or not numeric, an empty id, an unknown kind; too few
            recordings to be train and test; what `checked` and `Deal` raise.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        time: str = "time",
        agent: str | Sequence[str] = "agent",
        x: str = "x",
        y: str = "y",
        scene: str | bool | None = None,
        kind: str | bool | None = None,
        kinds: Mapping[str, str] | None = None,
        keep: str | None = None,
        vx: str | bool | None = None,
        vy: str | bool | None = None,
        heading: str | bool | None = None,
        radius: str | bool | None = None,
        extras: Sequence[str] = (),
        rate: float = 1.0,
        scale: float = 1.0,
        dt: float | None = None,
        separator: str = ",",
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.2,
        cut: float | None = None,
        max_speed: float = 15.0,
        glitches: str = "error",
        in_order: bool = True,
    ):
        if rate <= 0 or scale <= 0:
            raise ValueError(f"data.source.rate={rate} and data.source.scale={scale} must be positive")
        self.files = matching(path, "data.source.path")
        self.needed = {"time": time, "x": x, "y": y}
        self.optional = {"scene": scene, "kind": kind, "vx": vx, "vy": vy, "heading": heading, "radius": radius}
        self.agent = [agent] if isinstance(agent, str) else list(agent)
        self.keep, self.kinds, self.extras = keep, dict(kinds or {}), list(extras)
        self.rate, self.scale, self.dt, self.separator = rate, scale, dt, separator
        self.deal = Deal(val, test, cut)
        self.max_speed, self.glitches, self.in_order = max_speed, glitches, in_order

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, or these parts of all, in order of file and first row."""
        rows = [pair for path in self.files for pair in self._read(path)]
        names = [recording.name for recording, _ in rows]
        if self.deal.cut is None:
            self._require_both(names, self.deal.split(names))
        return self.deal.recordings(names, lambda place: self._checked(*rows[place]), split)

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        settings = {name: value for name, value in vars(self).items() if name not in ("files", "deal")}
        return {
            "reader": "table",
            **settings,
            "deal": self.deal.describe(),
            "files": [str(path) for path in self.files],
        }

    def _checked(self, recording: Recording, origin: Origin) -> Recording:
        return checked(recording, origin, self.max_speed, self.glitches, self.in_order)

    def _require_both(self, names: Sequence[str], dealt: Sequence[str]) -> None:
        """Shares of few recordings are a gamble: say so before anything is trained, and what to do."""
        val, test = self.deal.val, self.deal.test
        if not isinstance(test, (int, float)):
            return
        train = 1.0 - test - (val if isinstance(val, (int, float)) else 0.0)
        lacking = [split for split, share in (("train", train), ("test", test)) if share > 1e-9 and split not in dealt]
        if lacking:
            told = ", ".join(f"`{name}` into {into}" for name, into in list(zip(names, dealt, strict=True))[:9])
            raise ValueError(
                f"data.source.path: no recording fell into {' and '.join(lacking)}: whole recordings are dealt, by a "
                f"hash of their names ({told}). Do one of these:\n"
                "- cut every recording in time into train, val and test: data.source.cut=8 (s left out in between)\n"
                "- give more files, or name the column that tells recordings apart: data.source.scene=<column>\n"
                "- say which is which: data.source.val=0 data.source.test=[<name>]\n"
                "- train on everything, data.source.val=0 data.source.test=0, and test on another file: python eval.py "
                "… data@suite.data=table suite.data.source.path=<file> suite.data.source.val=0 suite.data.source.test=1"
            )

    def _read(self, path: Path) -> list[tuple[Recording, Origin]]:
        """Unchecked recordings of one file, with the line of each row."""
        if path.suffix == ".parquet":
            table, first = pq.read_table(path), 1
        else:
            table, first = pv.read_csv(path, parse_options=pv.ParseOptions(delimiter=self.separator)), 2
        named = self._named(table.column_names)
        require_columns(
            table.column_names, [*named.values(), *self.agent, *self.extras, *filter(None, [self.keep])], path
        )
        line = np.arange(table.num_rows) + first
        if self.keep is not None:
            mask = table[self.keep].cast(pa.bool_()).fill_null(False)
            table, line = table.filter(mask), line[mask.to_numpy()]
        scene, kind = named.pop("scene", None), named.pop("kind", None)
        columns = {name: _numbers(table[column], column, path, line) for name, column in named.items()}
        columns["time"] = columns["time"] / self.rate
        for name in set(columns) & {"x", "y", "vx", "vy", "radius"}:
            columns[name] = columns[name] * self.scale
        columns["agent"] = self._agents(table, path, line)
        columns["kind"] = self._kinds(table, kind, path, line)
        columns |= {name: to_numpy(table[name]) for name in self.extras}
        code, names = np.zeros(table.num_rows, int), [None]
        if scene is not None:
            code, names = _coded(table, scene, path, line, "name its recording (data.source.scene=false: no column is)")
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

    def _named(self, have: Sequence[str]) -> dict[str, str]:
        """What the reader takes from a file with the columns `have`: our name of it -> the column's."""
        named = dict(self.needed)
        for name, column in self.optional.items():
            if column is None and name in have:
                named[name] = name
            elif column:
                named[name] = str(column)
        return named

    def _agents(self, table: pa.Table, path: Path, line: np.ndarray) -> np.ndarray:
        """One integer column of ids as it is; anything else numbered."""
        codes = np.stack([_coded(table, name, path, line, "give it its agent's id")[0] for name in self.agent], axis=1)
        if len(self.agent) == 1 and pa.types.is_integer(table[self.agent[0]].type):
            return table[self.agent[0]].to_numpy().astype(np.int64)
        return np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def _kinds(self, table: pa.Table, column: str | None, path: Path, line: np.ndarray) -> np.ndarray:
        if column is None:
            return np.zeros(table.num_rows, np.int64)
        code, names = factorize(table[column])
        return kind_index(code, [self.kinds.get(str(name), name) for name in names], path, line)


def _numbers(column: pa.ChunkedArray, name: str, path: Path, line: np.ndarray) -> np.ndarray:
    try:
        return column.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # text, or times of day and dates
        for row, value in enumerate(column.to_pylist()):
            if value is None:
                continue
            try:
                float(value)
            except (TypeError, ValueError):
                raise ValueError(
                    f"{path}, row {line[row]}: `{name}` is {str(value)!r}, not a number: repair the row "
                    "(a time is a number of s, or of 1 / data.source.rate s)"
                ) from None
        raise


def _coded(table: pa.Table, name: str, path: Path, line: np.ndarray, remedy: str) -> tuple[np.ndarray, list[Any]]:
    """Codes `[R]` of a column without gaps, and the distinct values."""
    code, values = factorize(table[name])
    empty = [-1, *(place for place, value in enumerate(values) if value == "" or value != value)]
    if (gaps := np.isin(code, empty)).any():
        raise ValueError(f"{path}, row {line[np.argmax(gaps)]}: `{name}` is empty: {remedy}, or drop the row")
    return code, values


def _median_step(agent: np.ndarray, time: np.ndarray, where: str) -> float:
    order = np.lexsort((time, agent))
    step = np.diff(time[order])[np.diff(agent[order]) == 0]
    step = step[step > 0]
    if not len(step):
        raise ValueError(f"{where}: no agent has two samples, so the rate is unknown: set data.source.dt")
    return float(np.median(step))
