"""Logs in the project's own format: what worlds record, and whatever was brought into it with `write_log`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jepa_social.data.checks import Origin, checked
from jepa_social.data.schema import Recording, read_log
from jepa_social.data.source import Deal, known_split, matching


class Logs:
    """Reader of files that `write_log` wrote; a recording per scene.

    Args:
        path: a file, a glob pattern or a list of them.
        val, test, cut: see `Deal`; scenes are dealt by name, so equal names in several files fall into the same split.
        val_path, test_path: files that are val or test as a whole; `path` then gives none to that split.
        motion: `difference` ignores logged velocity and heading, so that every log is seen alike; `logged` keeps them.
        max_speed, glitches: see `checked`.

    Raises:
        FileNotFoundError: no file fits.
        ValueError: what `read_log`, `checked` and `Deal` raise.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        val: float | Sequence[str] = 0.1,
        test: float | Sequence[str] = 0.1,
        val_path: str | Sequence[str] | None = None,
        test_path: str | Sequence[str] | None = None,
        cut: float | None = None,
        motion: str = "difference",
        max_speed: float = 15.0,
        glitches: str = "error",
    ):
        if motion not in ("difference", "logged"):
            raise ValueError(f"data.source.motion must be `difference` or `logged`, got `{motion}`")
        self.files = {"train": matching(path, "data.source.path")}
        if val_path is not None:
            self.files["val"] = matching(val_path, "data.source.val_path")
        if test_path is not None:
            self.files["test"] = matching(test_path, "data.source.test_path")
        self.deal = Deal(val if val_path is None else 0.0, test if test_path is None else 0.0, cut)
        self.motion, self.max_speed, self.glitches = motion, max_speed, glitches

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, or these parts of all, in order of file and scene."""
        if known_split(split) != "train" and split in self.files:
            return [self._checked(path, recording) for path in self.files[split] for recording in read_log(path)]
        rows = [(path, recording) for path in self.files["train"] for recording in read_log(path)]
        names = [recording.name for _, recording in rows]
        return self.deal.recordings(names, lambda place: self._checked(*rows[place]), split)

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        return {
            "reader": "logs",
            "deal": self.deal.describe(),
            "motion": self.motion,
            "max_speed": self.max_speed,
            "glitches": self.glitches,
            "roles": {role: [str(path) for path in paths] for role, paths in self.files.items()},
            "files": [str(path) for paths in self.files.values() for path in paths],
        }

    def _checked(self, path: Path, recording: Recording) -> Recording:
        if self.motion == "difference":
            recording = replace(recording, vx=None, vy=None, heading=None)
        origin = Origin(f"{path}, scene {recording.name}", np.arange(len(recording)) + 1)
        return checked(recording, origin, self.max_speed, self.glitches)
