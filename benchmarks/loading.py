"""Windows per second from a log: `SceneDataModule` and the plain loader that most trajectory code has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jepa_social.data.module import SceneDataModule
from jepa_social.data.schema import Recording

OBSERVED, FUTURE = 8, 12


class Walkers:
    """A source of made-up recordings: people come and go, about `crowd` at a time."""

    def __init__(self, recordings: int, agents: int, frames: int, crowd: int = 12):
        self.size = (recordings, agents, frames, crowd)

    def recordings(self, split: str) -> list[Recording]:
        """The same for every call; only `train` has any."""
        number, agents, frames, crowd = self.size
        return [_recording(seed, agents, frames, crowd) for seed in range(number)] if split == "train" else []

    def describe(self) -> dict[str, Any]:
        """The sizes."""
        return {"walkers": self.size, "files": []}


def _recording(seed: int, agents: int, frames: int, crowd: int) -> Recording:
    rng = np.random.default_rng(seed)
    stay = max(OBSERVED + FUTURE, crowd * frames // agents)
    first = rng.integers(0, max(1, frames - stay), agents)
    frame = (first[:, None] + np.arange(stay)).ravel()
    path = rng.normal(0, 6, (agents, 1, 2)) + np.cumsum(0.4 * rng.normal(1, 0.3, (agents, stay, 2)), axis=1)
    x, y = path.reshape(-1, 2).T
    agent = np.repeat(np.arange(agents), stay)
    order = np.lexsort((agent, frame))
    zero = np.zeros(len(order), int)
    return Recording(f"walk{seed}", 0.4, frame[order] * 0.4, agent[order], zero, x[order], y[order])


def ours(source: Walkers, cache: Path) -> tuple[Callable[[], object], int]:
    """One epoch of training batches, and how many windows it holds. The cache is built beforehand."""
    module = SceneDataModule(source, cache, OBSERVED, FUTURE, dt=0.4, agents_per_batch=256)
    windows = module.windows("train")
    if windows is None:
        raise ValueError("the benchmark's source has no recordings")
    loader = module.train_dataloader()
    return lambda: sum(len(scene) for scene in loader), len(windows)


class PlainWindows(torch.utils.data.Dataset):
    """Every window cut when asked for, from rows by frame: each agent's rows looked up and checked in Python."""

    def __init__(self, source: Walkers):
        self.frames = []
        for recording in source.recordings("train"):
            rows: dict[int, dict[int, tuple[float, float]]] = {}
            for time, agent, x, y in zip(recording.time, recording.agent, recording.x, recording.y, strict=True):
                rows.setdefault(round(time / recording.dt), {})[int(agent)] = (x, y)
            self.frames.append(rows)
        length = OBSERVED + FUTURE
        self.starts = []
        for number, rows in enumerate(self.frames):
            for start in range(max(rows) - length + 2):
                window = [set(rows.get(start + k, ())) for k in range(length)]
                if set.intersection(*window):
                    self.starts.append((number, start))

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        number, start = self.starts[item]
        window = [self.frames[number].get(start + k, {}) for k in range(OBSERVED + FUTURE)]
        agents = sorted(set().union(*window))
        position = np.full((len(agents), len(window), 2), np.nan, np.float32)
        for row, agent in enumerate(agents):
            for frame, there in enumerate(window):
                if agent in there:
                    position[row, frame] = there[agent]
        present = ~np.isnan(position[..., 0])
        velocity = np.zeros_like(position)
        velocity[:, 1:] = np.diff(position, axis=1) / 0.4
        return torch.from_numpy(position), torch.from_numpy(velocity), torch.from_numpy(present)


def plain(source: Walkers, batch: int = 16) -> tuple[Callable[[], object], int]:
    """One epoch in shuffled batches of `batch` windows, padded to the largest; and how many windows it holds."""
    windows = PlainWindows(source)

    def collate(items: list) -> list[torch.Tensor]:
        columns = zip(*items, strict=True)
        return [torch.nn.utils.rnn.pad_sequence(list(c), batch_first=True).nan_to_num() for c in columns]

    loader = torch.utils.data.DataLoader(windows, batch, shuffle=True, collate_fn=collate)
    return lambda: sum(len(position) for position, _, _ in loader), len(windows)


def cases(
    folder: Path, recordings: int = 8, agents: int = 300, frames: int = 900
) -> dict[str, tuple[Callable[[], object], int]]:
    """Epochs over the same windows by both loaders; the default is about the size of ETH/UCY's training files."""
    source = Walkers(recordings, agents, frames)
    return {"SceneDataModule": ours(source, folder), "plain loader": plain(source)}
