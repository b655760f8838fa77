"""What every world offers: `reset(seeds)`, `step(action)`, the run so far, and branches of the same moment."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from tensordict import TensorDict
from torch import Tensor

from jepa_social.scene import Scene
from jepa_social.worlds.track import Track

ARRIVED = 0.3
"""m from the goal at which the ego counts as arrived (the radius of the robot in CrowdNav)."""


class World(ABC):
    """E scenes that run in step, the ego (agent 0) moved by the caller, everybody else by the world.

    Attributes:
        dt: s between frames.
        observed: frames in the scenes that `reset` and `step` return.
        limit: `[E]` s after which a scene has timed out.
        greatest_speed: `[E]` m/s, actions are cut to it.
    """

    dt: float
    observed: int
    device: torch.device
    limit: Tensor
    greatest_speed: Tensor
    _track: Track
    _ego: Tensor
    _steps: int

    @abstractmethod
    def reset(self, seeds: Sequence[int]) -> Scene:
        """Start one scene per seed and return what is seen of it. A seed gives the same scene in every batch."""

    @abstractmethod
    def _advance(self, action: Tensor) -> None:
        """Move everybody by one frame, the ego with the cut `action [E,2]` (float64)."""

    @abstractmethod
    def _truth(self) -> TensorDict | None:
        """What the world knows and nobody sees."""

    @abstractmethod
    def scenario_names(self) -> list[str]:
        """Name of the scenario of each scene."""

    def step(self, action: Tensor) -> Scene:
        """Move the ego with `action [E,2]` m/s (cut to its greatest speed) and everybody else at the same time.

        Raises:
            ValueError: the action has another shape or is not finite.
            RuntimeError: before `reset`.
        """
        if not hasattr(self, "_track"):
            raise RuntimeError("call reset(seeds) before step(action)")
        if tuple(action.shape) != tuple(self._ego.shape):
            raise ValueError(f"action must be {list(self._ego.shape)} (m/s, one per scene), got {list(action.shape)}")
        if not bool(action.isfinite().all()):
            bad = int((~action.isfinite().all(-1)).nonzero()[0])
            raise ValueError(f"the action of scene {bad} is not finite: {action[bad].tolist()}")
        action = action.detach().to(self.device, torch.float64)
        speed = action.norm(dim=-1).clamp(min=1e-9)
        self._advance(action * (self.greatest_speed / speed).clamp(max=1.0)[:, None])
        self._steps += 1
        return self.scene()

    def scene(self, frames: int | None = None) -> Scene:
        """What is seen now: the last `observed` frames, or the last `frames`."""
        return self._track.window(frames or self.observed, self._truth())

    def history(self) -> Scene:
        """The whole run so far, every frame since the start."""
        return self._track.window(len(self._track.present), self._truth())

    @property
    def elapsed(self) -> float:
        """Seconds since the ego was first moved."""
        return self._steps * self.dt

    @property
    def arrived(self) -> Tensor:
        """`[E]` bool: the ego is nearer than `ARRIVED` to its goal now."""
        return (self._ego - self._track.goal).norm(dim=-1) < ARRIVED

    @property
    def expired(self) -> Tensor:
        """`[E]` bool: the time limit is reached."""
        return self.limit <= self.elapsed + 1e-6

    def branch(self, copies: int = 1, scenes: Sequence[int] | None = None) -> Self:
        """A world in the same state, every scene `copies` times in a row: run one moment under several actions.

        This world is left as it is; neither sees what happens in the other.

        Args:
            copies: how often.
            scenes: which ones go on, by their place in the batch; None: all.
        """
        index = torch.arange(len(self._ego)) if scenes is None else torch.as_tensor(scenes, dtype=torch.long)
        return self._taken(index.repeat_interleave(copies).to(self.device))

    def _batch(self, values: Sequence[np.ndarray], *size: int, fill: float = 0.0) -> Tensor:
        """An array a scene as one tensor `[E,*size]`, float64, with `fill` where there is nothing."""
        out = np.full((len(values), *size), fill)
        for row, value in zip(out, values, strict=True):
            row[tuple(slice(n) for n in value.shape)] = value
        return torch.as_tensor(out, device=self.device)

    def _taken(self, index: Tensor) -> Self:
        """The scenes `index`, each in its present state."""
        new = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.ndim:
                setattr(new, name, value[index])
        new._track = self._track.taken(index)
        return new

    def clone(self) -> Self:
        """A world in the same state."""
        return self.branch(1)
