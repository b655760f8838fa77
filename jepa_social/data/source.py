"""What every reader of logs offers, and how recordings are dealt to train, val and test."""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jepa_social.data.schema import Recording

SPLITS = ("train", "val", "test")


class Source(Protocol):
    """A reader: the only thing that the rest of the data room knows of a file format."""

    def recordings(self, split: str) -> list[Recording]:
        """All recordings of `train`, `val` or `test`; empty where the source has none."""
        ...

    def describe(self) -> dict[str, Any]:
        """JSON-able settings that decide what `recordings` returns, with the source files under `files`."""
        ...


@dataclass(frozen=True)
class Deal:
    """How recordings become train, val and test: whole, so that no moment of one is seen in two splits, or cut in time.

    A share (0..1) deals by a hash of the recording's name: adding recordings never moves another one. A list deals by
    name or pattern (`bookstore_*`). `Deal(0, 1.0)` makes everything test: for logs that are only transferred to.
    Recordings of one `origin`, such as the branches of an episode, share moments and are always dealt together.

    With `cut`, for logs that are one long recording, every recording is split by shares of its time: first train, then
    val, test last. What is tested on is then the same place, and partly the same people, a little later: dealing whole
    recordings is the harder test.

    Attributes:
        val, test: shares, or names and patterns.
        cut: s left out between the parts of a recording; None: recordings stay whole.

    Raises:
        ValueError: shares that are negative or too large; `cut` with lists, without a share for train, or negative.
    """

    val: float | Sequence[str]
    test: float | Sequence[str]
    cut: float | None = None

    def __post_init__(self):
        shares = [share for share in (self.val, self.test) if isinstance(share, (int, float))]
        if any(share < 0 for share in shares) or sum(shares) > 1 + 1e-9:
            raise ValueError(
                f"data.source.val={self.val} and data.source.test={self.test}: need shares >= 0 that sum to at most 1"
            )
        if self.cut is None:
            return
        if len(shares) < 2 or sum(shares) >= 1:
            raise ValueError(
                f"data.source.cut={self.cut:g} cuts every recording by shares of its time: set data.source.val and "
                f"data.source.test to numbers that leave some for train, not {self.val} and {self.test}"
            )
        if self.cut < 0:
            raise ValueError(f"data.source.cut={self.cut:g} must not be negative: it is the s left out between parts")

    def recordings(self, names: Sequence[str], read: Callable[[int], Recording], split: str) -> list[Recording]:
        """What falls into `split` of all recordings, of which `read` gives one by its place among `names`.

        Raises:
            ValueError: what `split` raises; a recording too short for its `cut`, or one that shares its moments with
                another.
        """
        known_split(split)
        if self.cut is None:
            return [read(place) for place, into in enumerate(self.split(names)) if into == split]
        count = Counter(map(origin, names))
        for name in names:
            if origin(name) != name and count[origin(name)] > 1:
                raise ValueError(
                    f"data.source.cut={self.cut:g}: `{name}` and other recordings of `{origin(name)}` share moments, "
                    "which would fall into two splits: set data.source.cut=null"
                )
        parts = [self._part(read(place), split, self.cut) for place in range(len(names))]
        return [part for part in parts if part is not None]

    def split(self, names: Sequence[str]) -> list[str]:
        """The split of each name, in order, where recordings stay whole.

        Raises:
            ValueError: a listed pattern that fits no recording, or one that is listed for both val and test.
        """
        names = [origin(name) for name in names]
        for key, listed in (("val", self.val), ("test", self.test)):
            for pattern in () if isinstance(listed, (int, float)) else listed:
                if not any(fnmatchcase(name, pattern) for name in names):
                    raise ValueError(
                        f"data.source.{key}: `{pattern}` fits no recording; there are {sorted(set(names))[:40]} (names "
                        "up to the first `#`: what was cut or branched from one recording is dealt together)"
                    )
        return [self._split(name) for name in names]

    def describe(self) -> list[Any]:
        """Val, test and the cut, if any, as JSON."""
        shares = [share if isinstance(share, (int, float)) else list(share) for share in (self.val, self.test)]
        return shares if self.cut is None else [*shares, self.cut]

    def _split(self, name: str) -> str:
        place = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64
        named = [s for s, listed in (("val", self.val), ("test", self.test)) if _listed(name, listed)]
        if len(named) > 1:
            raise ValueError(
                f"recording `{name}` is listed in data.source.val and in data.source.test: take it out of one"
            )
        if named:
            return named[0]
        val = self.val if isinstance(self.val, (int, float)) else 0.0
        test = self.test if isinstance(self.test, (int, float)) else 0.0
        return "test" if place < test else "val" if place < test + val else "train"

    def _part(self, recording: Recording, split: str, gap: float) -> Recording | None:
        """What of a recording's time falls into `split`; None where its share is 0."""
        assert isinstance(self.val, (int, float))
        assert isinstance(self.test, (int, float))
        train = 1.0 - self.val - self.test
        low, high = {"train": (0.0, train), "val": (train, train + self.val), "test": (train + self.val, 1.0)}[split]
        if high <= low:
            return None
        first, last = recording.time.min(), recording.time.max()
        begin, end = first + low * (last - first) + (gap if low else 0.0), first + high * (last - first)
        inside = (recording.time >= begin) & ((recording.time < end) | (high > 1.0 - 1e-9))
        if not inside.any():
            raise ValueError(
                f"recording `{recording.name}` lasts {last - first:.3g} s, and data.source.cut={gap:g} leaves "
                f"nothing of it for {split}: lower data.source.cut, or set data.source.{split}=0"
            )
        return recording.take(np.flatnonzero(inside))


def origin(name: str) -> str:
    """What a recording was cut or branched from: its name up to the first `#`."""
    return name.partition("#")[0]


def moment(name: str) -> str:
    """What branches of one moment have in common: a recording's name up to the first `-` after its `#`."""
    stem, mark, rest = name.partition("#")
    return stem + mark + rest.partition("-")[0]


def matching(path: str | Sequence[str], key: str) -> list[Path]:
    """The files that a path, a glob pattern or a list of them stands for, sorted.

    Raises:
        FileNotFoundError: nothing fits; the message names the config key.
    """
    found: list[str] = []
    for pattern in [path] if isinstance(path, (str, os.PathLike)) else path:
        if not (hits := glob.glob(os.fspath(pattern), recursive=True)):
            raise FileNotFoundError(
                f"{key}={pattern} fits no file: it must be a file or a glob pattern (see data/README.md)"
            )
        found += hits
    return sorted({Path(hit) for hit in found})


def titles(files: Sequence[Path]) -> dict[Path, str]:
    """What the recordings of each file are called: as the file, and where several are called so, with their folders."""
    count = Counter(path.stem for path in files)
    alike = [path for path in files if count[path.stem] > 1]
    top = os.path.commonpath([path.absolute().parent for path in alike]) if alike else ""
    named = {path: path.stem for path in files}
    for path in alike:
        below = path.absolute().relative_to(top)
        others = [other for other in alike if other != path and other.with_suffix("") == path.with_suffix("")]
        named[path] = (below if others else below.with_suffix("")).as_posix()
    return named


def known_split(split: str) -> str:
    """`split` itself.

    Raises:
        ValueError: not one of train, val and test.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, got `{split}`")
    return split


def _listed(name: str, listed: float | Sequence[str]) -> bool:
    return not isinstance(listed, (int, float)) and any(fnmatchcase(name, pattern) for pattern in listed)
