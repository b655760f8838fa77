"""Windows read back from the cache as padded batches of `Scene`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tensordict import TensorDict
from torch.utils.data import Dataset

from jepa_social.data.cache import MANIFEST
from jepa_social.data.source import moment, origin
from jepa_social.kinematics import backward_difference, motion_heading
from jepa_social.scene import FAR, Scene


class SceneWindows(Dataset):
    """The windows of one cache folder.

    Indexing with a list of windows gives their `Scene` (that is `batch`), so that a sampler of index lists drives it.
    Velocity and heading are those of `Scene.from_arrays`, unless the cache holds logged ones.

    Args:
        folder: what `cache.ensure` returned.

    Raises:
        FileNotFoundError: no cache there.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        if not (self.folder / MANIFEST).is_file():
            raise FileNotFoundError(f"{folder} holds no finished cache: build it with SceneDataModule.prepare_data()")
        self._open()

    def _open(self) -> None:
        manifest = json.loads((self.folder / MANIFEST).read_text())
        self.length = manifest["windowing"]["observed"] + manifest["windowing"]["future"]
        self.dt, self.recordings = manifest["windowing"]["dt"], manifest["recordings"]
        # plain views of the memory maps: indexing np.memmap itself costs more than the gather
        paths = sorted(self.folder.glob("*.npy"))
        self.maps = {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in paths}
        self.offset = self.maps["offset"]
        self.truth = [name for name in self.maps if name.startswith("truth_")]
        self.walls = self._walls() if "walls" in self.maps else None

    def _walls(self) -> np.ndarray:
        """`[recordings, W, 4]`, padded with walls too far to matter."""
        ends = self.maps["wall_offset"]
        counts = np.diff(ends)
        padded = np.full((len(counts), counts.max(), 4), FAR, np.float32)
        padded[np.arange(counts.max()) < counts[:, None]] = self.maps["walls"]
        return padded

    def __getstate__(self) -> dict:
        return {"folder": self.folder}

    def __setstate__(self, state: dict) -> None:
        self.folder = state["folder"]
        self._open()

    def __len__(self) -> int:
        return len(self.offset) - 1

    def __getitem__(self, windows: Sequence[int]) -> Scene:
        return self.batch(windows)

    @property
    def counts(self) -> np.ndarray:
        """`[M]` agents of every window, those seen in any sample."""
        return np.diff(self.offset)

    @property
    def moments(self) -> np.ndarray:
        """`[M]` for each window the first one that branched from the same moment: itself, but for branches."""
        recording, own = self.maps["recording"], np.arange(len(self))
        group = np.unique([moment(name) for name in self.recordings], return_inverse=True)[1]
        branch = np.array([origin(name) != name for name in self.recordings])[recording]
        key = np.stack(
            (np.where(branch, group[recording], -1 - own), np.where(branch, self.maps["start"], 0.0)), axis=1
        )
        _, begin, member = np.unique(key, axis=0, return_index=True, return_inverse=True)
        return begin[member.reshape(-1)]

    def agents(self, window: int) -> int:
        """N of one window, without padding."""
        return int(self.offset[window + 1] - self.offset[window])

    def ids(self, window: int) -> np.ndarray:
        """`[N]` logged ids of one window's agents, in the order of its scene."""
        return self.maps["agent"][self.maps["pair_track"][self.offset[window] : self.offset[window + 1]]]

    def last_seen(self, windows: Sequence[int] | np.ndarray) -> torch.Tensor:
        """`[B,N,2]` m, where each agent of `batch(windows)` is last seen in its recording; NaN in padding.

        It lies in the future of the window: for labels, never for models.
        """
        chosen = np.asarray(windows, np.int64).reshape(-1)
        count = self.counts[chosen]
        real = np.arange(count.max(initial=0)) < count[:, None]
        pair = np.where(real, self.offset[chosen][:, None] + np.arange(real.shape[1]), 0)
        last = self.maps["end"][self.maps["pair_track"][pair]] - 1
        return torch.from_numpy(np.where(real[..., None], self.maps["position"][last], np.float32(np.nan)))

    def pace(self) -> float:
        """m/s that one in ten steps of all tracks exceeds; infinite where there are no two samples in a row."""
        step = np.hypot(*np.diff(self.maps["position"], axis=0).T) / self.dt
        step[self.maps["end"][:-1] - 1] = np.nan  # from one track to the next
        return float(np.nanquantile(step, 0.9)) if np.isfinite(step).any() else np.inf

    def origin(self, window: int) -> tuple[str, float]:
        """Name of a window's recording, and the time (s) of its first sample there."""
        return self.recordings[self.maps["recording"][window]], float(self.maps["start"][window])

    def batch(self, windows: Sequence[int] | np.ndarray) -> Scene:
        """Scenes `[B,N,T]` of some windows, padded to the largest N among them; nobody is the ego.

        Raises:
            IndexError: a window that does not exist.
        """
        chosen = np.asarray(windows, np.int64).reshape(-1)
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < len(self):
            raise IndexError(f"windows must be 0..{len(self) - 1}, got {chosen.min()}..{chosen.max()}")
        count = self.offset[chosen + 1] - self.offset[chosen]
        real = np.arange(count.max(initial=0)) < count[:, None]
        pair = np.where(real, self.offset[chosen][:, None] + np.arange(real.shape[1]), 0)
        track = self.maps["pair_track"][pair]
        row = self.maps["pair_row"][pair][..., None] + np.arange(self.length)
        inside = (
            real[..., None] & (row >= self.maps["first"][track][..., None]) & (row < self.maps["end"][track][..., None])
        )
        row = np.where(inside, row, 0)

        def gather(name: str) -> torch.Tensor:
            return torch.from_numpy(self.maps[name][row])

        position = gather("position")
        present = torch.from_numpy(inside) & position.isfinite().all(-1)
        position = position.where(present[..., None], torch.zeros(()))
        dt = torch.full((len(chosen),), self.dt)
        velocity = backward_difference(position, present, dt)
        if "velocity" in self.maps:
            velocity = _known(gather("velocity"), present[..., None], velocity)
        heading = motion_heading(velocity, present)
        if "heading" in self.maps:
            heading = _known(gather("heading"), present, heading)
        truth = {name.removeprefix("truth_"): gather(name).where(present, torch.zeros(())) for name in self.truth}
        return Scene(
            position=position,
            velocity=velocity,
            heading=heading,
            present=present,
            kind=torch.from_numpy(np.where(real, self.maps["kind"][track], 0)),
            radius=torch.from_numpy(np.where(real, self.maps["radius"][track], np.float32(0))),
            ego=torch.full((len(chosen),), -1),
            dt=dt,
            walls=None if self.walls is None else torch.from_numpy(self.walls[self.maps["recording"][chosen]]),
            truth=TensorDict(truth, batch_size=[len(chosen)]) if truth else None,  # pyright: ignore[reportArgumentType]
            batch_size=[len(chosen)],  # pyright: ignore[reportCallIssue]
        )


def _known(logged: torch.Tensor, present: torch.Tensor, otherwise: torch.Tensor) -> torch.Tensor:
    return torch.where(present & logged.isfinite(), logged, otherwise)
