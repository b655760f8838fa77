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

    def at_start(self, value: Tensor) -> Tensor:
        """The frames started from of `value [B,N,T,...]`: `[B*starts,N,...]`."""
        return torch.cat([value[:, :, start] for start in self.starts])


def draw_starts(frames: int, horizon: int, number: int) -> list[int]:
    """Frames to start from: always the last that leaves `horizon` frames to imagine, the others at random before it."""
    last = frames - 1 - horizon
    if last < 0:
        raise ValueError(f"windows of {frames} frames leave nothing to observe at a horizon of {horizon}")
    earlier = torch.randperm(max(last, 1))[: number - 1].tolist() if last else []
    return [last, *earlier]


def each_step(starts: list[int], horizon: int) -> list[int]:
    """Teacher forcing: the frame before each one that rollouts of `horizon` from `starts` imagine, for horizon 1.

    As many frames are predicted as in the rollouts, and the same ones, each from what was true a frame earlier.
    """
    return [start + step for start in starts for step in range(horizon)]


def draw_egos(scene: Scene, start: int, horizon: int, free: float, visible: Tensor | None = None) -> Tensor:
    """An ego for each scene `[B]`: anybody present throughout may serve; -1 with probability `free` or if nobody can.

    Robots, whose kind is what plans later, are drawn as often as all people together. `visible [B,N]` says who may
    serve at all.
    """
    whole = scene.present[:, :, start : start + horizon + 1].all(-1)
    if visible is not None:
        whole = whole & visible
    robot = (scene.kind == KINDS.index("robot")) & whole
    weight = whole.float() + robot * whole.sum(1, keepdim=True).float()
    drawn = torch.multinomial(weight + 1e-9, 1)[:, 0]
    withheld = (torch.rand(drawn.shape, device=drawn.device) < free) | ~whole.any(1)
    return torch.where(withheld, -1, drawn)


def plans_taken(scene: Scene, ego: Tensor, start: int, horizon: int) -> Tensor:
    """What `ego [B]` did in the `horizon` frames after `start`: velocities `[B,1,H,2]` m/s, zero where it is -1."""
    rows = torch.arange(len(ego), device=ego.device)
    done = scene.velocity[rows, ego.clamp(min=0), start + 1 : start + 1 + horizon]
    return (done * (ego >= 0).view(-1, 1, 1))[:, None]


def draw_rollouts(
    latents: Latents,
    starts: list[int],
    horizon: int,
    free: float,
    scene: Scene | None = None,
    ask: bool = False,
) -> Rollouts:
    """Rollouts from every start, each with an ego drawn anew (see `draw_egos`) among those whom the encoder saw.

    Args:
        latents: of what was observed.
        starts, horizon, free: see `draw_starts` and `draw_egos`.
        scene: what really happened, where `latents` are of a masked copy of it (see `Masking`).
        ask: imagine also agents of whom nothing was observed. Of such an agent the anchor tells where it is (what a
            positional embedding tells of a masked patch in I-JEPA) and nothing else: latent, velocity and heading are
            0, and zero is a latent that no observed agent has.
    """
    seen = latents.scene
    scene = seen if scene is None else scene
    unseen = ~seen.present.any(-1)
    anchors, actions = [], []
    for start in starts:
        anchor = latents.at(start)
        anchor.ego = draw_egos(scene, start, horizon, free, anchor.present)
        if ask:
            anchor.present = anchor.present | (unseen & scene.present[:, :, start])
            anchor.position = torch.where(unseen[..., None], scene.position[:, :, start], anchor.position)
        actions.append(plans_taken(scene, anchor.ego, start, horizon))
        anchors.append(anchor)
    return Rollouts(Anchor.cat(anchors), torch.cat(actions), starts, horizon)
