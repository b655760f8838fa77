"""Anyone's tracks: CSV or Parquet with columns of any name, unit and rate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from jepa_social.data.checks import Origin, checked, require_columns
from jepa_social.data.columns import coded, kept, numbers, read_rows, step_of
from jepa_social.data.schema import Recording, build, factorize, kind_index, to_numpy
from jepa_social.data.source import Deal, matching, titles

SLOWEST = 5.0
"""s between samples above which a log says nothing of how people move, or its unit of time is not what we think."""

TURNS = 4 * np.pi
"""rad beyond which a heading is taken for one in degrees; some count on for a turn or two."""


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
        origin: where x and y are 0, in units of the file: for map coordinates such as UTM's, which models cannot take.
        degrees: `heading` is in degrees.
        dt: s between samples; by default the usual step of each recording.
        separator: of CSV cells; decimal: the point of their numbers.
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
        origin: Sequence[float] | None = None,
        degrees: bool = False,
        dt: float | None = None,
        separator: str = ",",
        decimal: str = ".",
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.2,
        cut: float | None = None,
        max_speed: float = 15.0,
        glitches: str = "error",
        in_order: bool = True,
    ):
        if rate <= 0 or scale <= 0:
            raise ValueError(f"data.source.rate={rate} and data.source.scale={scale} must be positive")
        if origin is not None and len(origin) != 2:
            raise ValueError(f"data.source.origin={list(origin)} must be two numbers, x and y in units of the file")
        self.files = matching(path, "data.source.path")
        self.titles = titles(self.files)
        self.needed = {"time": time, "x": x, "y": y}
        self.optional = {"scene": scene, "kind": kind, "vx": vx, "vy": vy, "heading": heading, "radius": radius}
        self.agent = [agent] if isinstance(agent, str) else list(agent)
        self.keep, self.extras = keep, list(extras)
        self.kinds = {str(name): kind for name, kind in (kinds or {}).items()}
        self.rate, self.scale, self.dt, self.separator, self.decimal = rate, scale, dt, separator, decimal
        self.origin, self.degrees = [float(place) for place in origin or (0.0, 0.0)], degrees
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
        settings = {name: value for name, value in vars(self).items() if name not in ("files", "titles", "deal")}
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
        ids = [*self.agent, *filter(None, (self.optional["scene"] or "scene", self.optional["kind"] or "kind"))]
        table, first = read_rows(path, self.separator, self.decimal, [str(name) for name in ids])
        named = self._named(table.column_names)
        require_columns(
            table.column_names, [*named.values(), *self.agent, *self.extras, *filter(None, [self.keep])], path
        )
        if not table.num_rows:
            raise ValueError(f"{path}, row 1: no row below the header: remove the file or fill it")
        line = np.arange(table.num_rows) + first
        if self.keep is not None:
            mask = kept(table, self.keep, path, line)
            table, line = table.filter(mask), line[mask.to_numpy()]
        scene, kind = named.pop("scene", None), named.pop("kind", None)
        columns = {name: numbers(table, column, path, line) for name, column in named.items()}
        columns["time"] = columns["time"] / self.rate
        columns["x"], columns["y"] = columns["x"] - self.origin[0], columns["y"] - self.origin[1]
        if "heading" in columns:
            columns["heading"] = self._radians(columns["heading"], path, line)
        for name in set(columns) & {"x", "y", "vx", "vy", "radius"}:
            columns[name] = columns[name] * self.scale
        columns["agent"] = self._agents(table, path, line)
        columns["kind"] = self._kinds(table, kind, path, line)
        columns |= {name: to_numpy(table[name]) for name in self.extras}
        code, names = np.zeros(table.num_rows, int), [None]
        if scene is not None:
            code, names = coded(table, scene, path, line, "name its recording (data.source.scene=false: no column is)")
        order = np.argsort(code, kind="stable")
        ends = np.searchsorted(code[order], np.arange(len(names)), side="right")
        starts = np.searchsorted(code[order], np.arange(len(names)), side="left")
        found = []
        for name, start, end in zip(names, starts, ends, strict=True):
            rows = order[start:end]
            title = self.titles[path] if name is None else f"{self.titles[path]}/{name}"
            part = {column: values[rows] for column, values in columns.items()}
            dt = self.dt or self._step(part["agent"], part["time"], f"{path}, recording `{title}`")
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

    def _step(self, agent: np.ndarray, time: np.ndarray, where: str) -> float:
        step = step_of(agent, time)
        if np.isnan(step):
            raise ValueError(f"{where}: no agent has two samples, so the rate is unknown: set data.source.dt")
        if step > SLOWEST:
            raise ValueError(
                f"{where}: a sample every {step:g} s: data.source.rate (now {self.rate:g}) is how many units of time "
                "make a second: 1000 for ms, the frame rate for frame numbers"
            )
        return step

    def _radians(self, heading: np.ndarray, path: Path, line: np.ndarray) -> np.ndarray:
        if self.degrees:
            return np.radians(heading)
        if (far := abs(heading) > TURNS).any():
            row = int(np.argmax(far))
            raise ValueError(
                f"{path}, row {line[row]}: a heading of {heading[row]:g} is no angle in rad: set "
                "data.source.degrees=true, or data.source.heading=false to take headings from the positions"
            )
        return heading

    def _agents(self, table: pa.Table, path: Path, line: np.ndarray) -> np.ndarray:
        """One integer column of ids as it is; anything else numbered."""
        codes = np.stack([coded(table, name, path, line, "give it its agent's id")[0] for name in self.agent], axis=1)
        if len(self.agent) == 1 and pa.types.is_integer(table[self.agent[0]].type):
            return table[self.agent[0]].to_numpy().astype(np.int64)
        return np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def _kinds(self, table: pa.Table, column: str | None, path: Path, line: np.ndarray) -> np.ndarray:
        if column is None:
            return np.zeros(table.num_rows, np.int64)
        code, names = factorize(table[column])
        return kind_index(code, [self.kinds.get(str(name), name) for name in names], path, line)
