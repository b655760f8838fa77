"""Stanford Drone tracks in metres (Robicquet et al., ECCV 2016), as TrajNet gives them (Sadeghian et al., 2018)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jepa_social.data.schema import Recording
from jepa_social.data.source import Deal
from jepa_social.data.text import existing, read_tracks

DT = 0.4
FRAMES = 12
"""Frames of the videos in `DT`."""


class TrajNet:
    """Reader of `root/<folder>/*.txt`, a recording per file, 30 frames a second sampled every 12th.

    Args:
        root: folder with `Train/stanford/*.txt` in it.
        folder: which part of it to read.
        val, test, cut: see `Deal`. The benchmark withholds its own test futures: test is held out of the train folder.
        max_speed: m/s beyond which a displacement is a teleport.
        glitches: `split` cuts a track at a teleport (the set has some, up to 76 m/s), `error` refuses it.
        withheld: `error` refuses rows whose position is `?`; `cut` leaves them out.

    Raises:
        FileNotFoundError: a folder is missing or empty.
        ValueError: see `Deal`, `read_tracks`.
    """

    def __init__(
        self,
        root: str,
        folder: str = "Train/stanford",
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.2,
        cut: float | None = None,
        max_speed: float = 15.0,
        glitches: str = "split",
        withheld: str = "error",
    ):
        self.deal = Deal(val, test, cut)
        self.max_speed, self.glitches, self.withheld = max_speed, glitches, withheld
        self.folder = existing(Path(root) / folder, "data.source.root", f"a folder with {folder}/*.txt in it")
        self.files = sorted(self.folder.glob("*.txt"))
        if not self.files:
            raise FileNotFoundError(f"data.source.root={root}: no *.txt in {self.folder} (see data/README.md)")

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, or these parts of all, by file name."""
        names = [path.stem for path in self.files]
        return self.deal.recordings(names, lambda place: self._read(self.files[place]), split)

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        return {
            "reader": "trajnet",
            "deal": self.deal.describe(),
            "frame_step": FRAMES,
            "max_speed": self.max_speed,
            "glitches": self.glitches,
            "withheld": self.withheld,
            "files": [str(path) for path in self.files],
        }

    def _read(self, path: Path) -> Recording:
        return read_tracks(path, path.stem, DT / FRAMES, DT, self.max_speed, self.glitches, self.withheld)
