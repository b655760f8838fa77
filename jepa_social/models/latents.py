"""What encoding gives: latents with the poses that they stand at."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.scene import Scene


@dataclass
class Anchor:
    """The instant from which the future is imagined: one frame's latents and poses. Axes B scenes, N agents."""

    state: Float[Tensor, "B N D"]
    position: Float[Tensor, "B N 2"]
    velocity: Float[Tensor, "B N 2"]
    heading: Float[Tensor, "B N"]
    oriented: Bool[Tensor, "B N"]
    present: Bool[Tensor, "B N"]
    radius: Float[Tensor, "B N"]
    dt: Float[Tensor, "B"]
    ego: Int[Tensor, "B"]
    walls: Float[Tensor, "B W 4"] | None = None

    @staticmethod
    def cat(anchors: "list[Anchor]") -> "Anchor":
        """Join along B."""
        return Anchor(**{name: torch.cat([getattr(a, name) for a in anchors]) for name in anchors[0]._given()})

    def __getitem__(self, rows: Int[Tensor, "K"]) -> "Anchor":
        """The anchors `rows`, in that order; one may come more than once."""
        return Anchor(**{name: getattr(self, name)[rows] for name in self._given()})

    def _given(self) -> list[str]:
        return [f.name for f in fields(Anchor) if getattr(self, f.name) is not None]

    def select(self, agents: Int[Tensor, "B K"]) -> "Anchor":
        """Keep only the listed agents of each scene, each listed once; `ego` becomes its index in the list, or -1."""
        rows = torch.arange(agents.shape[0], device=agents.device)[:, None]
        found = agents == self.ego[:, None]
        ego = (found * torch.arange(1, agents.shape[1] + 1, device=agents.device)).sum(1) - 1
        names = ("state", "position", "velocity", "heading", "oriented", "present", "radius")
        return Anchor(
            **{name: getattr(self, name)[rows, agents] for name in names}, dt=self.dt, ego=ego, walls=self.walls
        )


@dataclass
class Latents:
    """Latents of a scene's agents at each of its frames.

    `state` is zero where an agent is absent; `oriented` says who has a frame of its own (see `kinematics.oriented`).
    """

    state: Float[Tensor, "B N T D"]
    oriented: Bool[Tensor, "B N T"]
    scene: Scene

    def at(self, frame: int | Int[Tensor, "B"] = -1) -> Anchor:
        """The anchor at `frame` (the last by default), one for all scenes or one for each."""
        scene = self.scene
        rows = slice(None) if isinstance(frame, int) else torch.arange(len(frame), device=frame.device)
        return Anchor(
            self.state[rows, :, frame],
            scene.position[rows, :, frame],
            scene.velocity[rows, :, frame],
            scene.heading[rows, :, frame],
            self.oriented[rows, :, frame],
            scene.present[rows, :, frame],
            scene.radius,
            scene.dt,
            scene.ego,
            scene.walls,
        )
