"""Turning windows of a log into action-conditioned rollouts: which frames to start from and who is the ego."""

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_social.models.latents import Anchor, Latents
from jepa_social.scene import KINDS, Scene


@dataclass
class Rollouts:
    """A batch of starts, joined along B.

    Attributes:
        anchor: where each rollout starts; its `ego` is -1 where the ego's plan is withheld.
        actions: `[B,1,H,2]` m/s, what the chosen ego did (zero where there is none).
        starts: frames started from, in the order joined.
        horizon: H.
    """

    anchor: Anchor
    actions: Tensor
    starts: list[int]
    horizon: int

    def gather(self, value: Tensor) -> Tensor:
        """The frames to be imagined of `value [B,N,T,...]`, for every start: `[B*starts,N,H,...]`."""
        return torch.cat([value[:, :, start + 1 : start + 1 + self.horizon] for start in self.starts])


def draw_starts(frames: int, horizon: int, number: int) -> list[int]:
    """Frames to start from: always the last that leaves `horizon` frames to imagine, the others at random before it."""
    last = frames - 1 - horizon
    if last < 0:
        raise ValueError(f"windows of {frames} frames leave nothing to observe at a horizon of {horizon}")
    earlier = torch.randperm(max(last, 1))[: number - 1].tolist() if last else []
    return [last, *earlier]


def draw_egos(scene: Scene, start: int, horizon: int, free: float) -> Tensor:
    """An ego for each scene `[B]`: anybody present throughout may serve; -1 with probability `free` or if nobody can.

    Robots, whose kind is what plans later, are drawn as often as all people together.
    """
    whole = scene.present[:, :, start : start + horizon + 1].all(-1)
    robot = (scene.kind == KINDS.index("robot")) & whole
    weight = whole.float() + robot * whole.sum(1, keepdim=True).float()
    drawn = torch.multinomial(weight + 1e-9, 1)[:, 0]
    withheld = (torch.rand(drawn.shape, device=drawn.device) < free) | ~whole.any(1)
    return torch.where(withheld, -1, drawn)


def draw_rollouts(latents: Latents, starts: list[int], horizon: int, free: float) -> Rollouts:
    """Rollouts from every start, each with an ego drawn anew (see `draw_egos`)."""
    scene = latents.scene
    rows = torch.arange(scene.position.shape[0], device=scene.position.device)
    anchors, actions = [], []
    for start in starts:
        anchor = latents.at(start)
        anchor.ego = draw_egos(scene, start, horizon, free)
        done = scene.velocity[rows, anchor.ego.clamp(min=0), start + 1 : start + 1 + horizon]
        actions.append((done * (anchor.ego >= 0).view(-1, 1, 1))[:, None])
        anchors.append(anchor)
    return Rollouts(Anchor.cat(anchors), torch.cat(actions), starts, horizon)
