"""The one log format: Parquet, a row per agent and time. Readers produce it, worlds write it, windows cut it.

Columns: `scene` (string), `time` (s), `agent` (integer), `kind` (a name of `scene.KINDS`), `x`, `y` (m); optional
`vx`, `vy` (m/s), `heading` (rad), `radius` (m) and any further column (`action`, goals, beliefs: kept as `extras`).
The file's metadata hold, as JSON under `jepa_social`: schema version, units, source, and each scene's `dt` and walls.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jepa_social.files import with_draft
from jepa_social.scene import KINDS

VERSION = 1
UNITS = {"time": "s", "x": "m", "y": "m", "vx": "m/s", "vy": "m/s", "heading": "rad", "radius": "m"}
REQUIRED = ("scene", "time", "agent", "kind", "x", "y")
OPTIONAL = ("vx", "vy", "heading", "radius")
DEFAULT_RADIUS = np.array([0.3, 0.3, 0.5, 1.0, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3])
"""m, by kind: used where a log says nothing about size."""
_KEY = b"jepa_social"


@dataclass(frozen=True, eq=False)
class Recording:
    """Everything that was logged in one scene; rows are sorted by (time, agent) unless a reader says otherwise.

    Attributes:
        name: unique within its file.
        dt: s between samples of one agent.
        time: `[R]` s. agent: `[R]` integer id. kind: `[R]` index into `KINDS`.
        x, y: `[R]` m.
        vx, vy: `[R]` m/s, heading: `[R]` rad, radius: `[R]` m; None where not logged, NaN where unknown.
        walls: `[W,4]` m, segments x0 y0 x1 y1, or None.
        extras: further columns, `[R]` each.

    Raises:
        ValueError: columns differ in length, `dt` is not positive, a kind is unknown or walls are not `[W,4]`.
    """

    name: str
    dt: float
    time: np.ndarray
    agent: np.ndarray
    kind: np.ndarray
    x: np.ndarray
    y: np.ndarray
    vx: np.ndarray | None = None
    vy: np.ndarray | None = None
    heading: np.ndarray | None = None
    radius: np.ndarray | None = None
    walls: np.ndarray | None = None
    extras: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        for name, column in self.columns().items():
            if np.shape(column) != (len(self),):
                raise ValueError(f"{self.name}: `{name}` has shape {np.shape(column)}, `time` has {len(self)} rows")
        if not self.dt > 0:
            raise ValueError(f"{self.name}: dt must be positive, got {self.dt}")
        if len(self) and not 0 <= self.kind.min() <= self.kind.max() < len(KINDS):
            raise ValueError(f"{self.name}: kind must be an index into {KINDS}")
        if self.walls is not None and (self.walls.ndim != 2 or self.walls.shape[1] != 4):
            raise ValueError(f"{self.name}: walls must be [W,4], got {self.walls.shape}")

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> dict[str, np.ndarray]:
        """Every column that is there, extras included, by name."""
        own = {name: getattr(self, name) for name in (*REQUIRED[1:], *OPTIONAL)}
        return {name: column for name, column in own.items() if column is not None} | self.extras

    def take(self, rows: np.ndarray) -> "Recording":
        """The recording with only these rows, in this order (`rows`: integers or a mask)."""
        own = {n: c[rows] for n, c in self.columns().items() if n not in self.extras}
        return replace(self, **own, extras={n: c[rows] for n, c in self.extras.items()})

    def ordered(self) -> "Recording":
        """Rows sorted by (time, agent)."""
        if len(self) < 2:
            return self
        step, turn = np.diff(self.time), np.diff(self.agent)
        if bool(((step > 0) | ((step == 0) & (turn > 0))).all()):
            return self
        return self.take(np.lexsort((self.agent, self.time)))


def write_log(path: str | os.PathLike, recordings: Sequence[Recording], source: str) -> None:
    """Write recordings to one Parquet file, atomically (a temporary name first, then renamed).

    Args:
        path: target file; its folder is made.
        recordings: of distinct names and with the same optional columns.
        source: one line that says where the rows come from (world and seeds, data set and licence).

    Raises:
        ValueError: no recording, a repeated name, or optional columns that only some recordings have.
    """
    if not recordings:
        raise ValueError(f"{path}: nothing to write")
    names = [recording.name for recording in recordings]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path}: two recordings are called `{twice}`: rename one")
    rows = [recording.ordered().columns() for recording in recordings]
    for name, columns in zip(names, rows, strict=True):
        if odd := set(columns) ^ set(rows[0]):
            raise ValueError(f"{path}: `{name}` and `{names[0]}` differ in columns {sorted(odd)}: give all the same")
    joined = {name: np.concatenate([columns[name] for columns in rows]) for name in rows[0]}
    counts = [len(recording) for recording in recordings]
    table = {"scene": _category(np.repeat(np.arange(len(names)), counts), names)}
    for name, column in joined.items():
        wide = column.astype(np.float64) if name in UNITS else column.astype(np.int64) if name == "agent" else column
        table[name] = _category(column, KINDS) if name == "kind" else pa.array(wide)
    scenes = {
        r.name: {"dt": float(r.dt), "walls": None if r.walls is None else np.asarray(r.walls, np.float64).tolist()}
        for r in recordings
    }
    meta = {"version": VERSION, "units": UNITS, "source": source, "scenes": scenes}
    whole = pa.table(table).replace_schema_metadata({_KEY: json.dumps(meta)})
    with_draft(path, lambda draft: pq.write_table(whole, draft, compression="zstd"))


def read_log(path: str | os.PathLike) -> list[Recording]:
    """Read every recording of a file that `write_log` (or anyone who keeps to the format) wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a log of this format, another schema version, a missing column or an unknown kind.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no log at {path}")
    table = pq.read_table(path)
    packed = (table.schema.metadata or {}).get(_KEY)
    if packed is None:
        raise ValueError(f"{path}: no `jepa_social` metadata, so not a log of this format: read it with data/table.py")
    meta = json.loads(packed)
    if meta["version"] != VERSION:
        raise ValueError(
            f"{path}: written with schema version {meta['version']}, this code reads {VERSION}: "
            "record it again, or read it with data/table.py"
        )
    if lacking := [name for name in REQUIRED if name not in table.column_names]:
        raise ValueError(f"{path}: columns {lacking} are missing, it has {table.column_names}: write it with write_log")
    scene, names = factorize(table["scene"])
    kind = kind_index(*factorize(table["kind"]), path, np.arange(table.num_rows) + 1)
    columns = {n: to_numpy(table[n]) for n in table.column_names if n not in ("scene", "kind")} | {"kind": kind}
    order = np.argsort(scene, kind="stable")
    ends = np.cumsum(np.bincount(scene, minlength=len(names)))
    recordings = []
    for index, name in enumerate(names):
        rows = order[ends[index - 1] if index else 0 : ends[index]]
        about = meta["scenes"].get(name)
        if about is None:
            raise ValueError(f"{path}: the metadata say nothing of scene `{name}` (dt, walls): write it with write_log")
        walls = None if about["walls"] is None else np.asarray(about["walls"], np.float64).reshape(-1, 4)
        recordings.append(build(str(name), about["dt"], {n: c[rows] for n, c in columns.items()}, walls).ordered())
    return recordings


def build(name: str, dt: float, columns: dict[str, np.ndarray], walls: np.ndarray | None = None) -> Recording:
    """A `Recording` from named columns; those that the schema does not know become extras."""
    known = set(columns) & {*REQUIRED[1:], *OPTIONAL}
    extras = {n: c for n, c in columns.items() if n not in known}
    return Recording(name=name, dt=dt, walls=walls, extras=extras, **{n: columns[n] for n in known})  # pyright: ignore[reportArgumentType]


def factorize(column: pa.ChunkedArray) -> tuple[np.ndarray, list[Any]]:
    """Codes `[R]` and the distinct values, in order of first appearance."""
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    coded = plain.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks() if coded.num_chunks != 1 else coded.chunk(0)
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()


def kind_index(codes: np.ndarray, names: Sequence[Any], path: object, line: np.ndarray) -> np.ndarray:
    """Integers of `KINDS` for coded kind names; `line [R]` is where each row lies in the file.

    Raises:
        ValueError: a name that `KINDS` does not have, or none.
    """
    known = np.array([KINDS.index(name) if name in KINDS else -1 for name in names] + [-1], np.int64)
    index = known[codes]
    if len(index) and index.min() < 0:
        row = int(np.argmin(index))
        name = None if codes[row] < 0 else names[codes[row]]
        raise ValueError(
            f"{path}, row {line[row]}: kind is {name!r}: use one of {KINDS}, or map it in data.source.kinds"
        )
    return index


def to_numpy(column: pa.ChunkedArray) -> np.ndarray:
    """A column as NumPy; dictionaries become their values, missing numbers NaN."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.to_numpy()


def _category(codes: np.ndarray, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array([str(name) for name in names]))
