"""Contrast of branches: what a plan changes is learned from windows that differ in nothing but the plan.

Where people want to go is unknown and moves them far more than a plan does. Between two branches of one moment it
cancels: their futures differ by what the plans did, and by nothing else. So besides each future its *difference* to its
siblings' is held against the truth, which leaves a gradient without that noise (common random numbers).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.models.objectives import masked_mean
from jepa_social.scene import KINDS, Scene
from jepa_social.stages.augment import Augment

ROBOT = KINDS.index("robot")
DRAW = -2
"""In place of an ego: to be drawn."""


@dataclass(frozen=True)
class Siblings:
    """Pairs of windows that have one past and differ in what the robot does then.

    Attributes:
        pairs: `[P,2]` windows of the batch.
        ego: `[B]` of windows in a pair the robot, or -1 where it is gone by the anchor; `DRAW` elsewhere.
    """

    pairs: Int[Tensor, "P 2"]
    ego: Int[Tensor, "B"]


def check_alike(weight: float, augment: Augment, rollout: bool = True) -> None:
    """Raise ValueError if siblings would be told apart by more than the plan, so that none were ever found."""
    if weight > 0 and (augment.scale > 0 or augment.mirror > 0 or not rollout):
        raise ValueError(
            "contrast > 0 needs branches that stay alike: augment.scale=0 augment.mirror=0 pretrain.rollout=true"
        )


def find_siblings(scene: Scene, now: int) -> Siblings:
    """Windows of a batch with the same past up to frame `now`; whether the robot is still there at `now` may differ."""
    robot = scene.kind == ROBOT
    batch, rows = robot.shape[0], torch.arange(robot.shape[0], device=robot.device)
    past = scene.position[:, :, : now + 1].clone()
    past[:, :, now] *= ~robot[..., None]
    there = scene.present[:, :, : now + 1].clone()
    there[:, :, now] |= robot
    same = (past[:, None] == past).flatten(2).all(-1) & (there[:, None] == there).flatten(2).all(-1)
    same &= (robot[:, None] == robot).all(-1) & robot.any(1)
    pairs = (same & (rows[:, None] < rows)).nonzero()
    twin = torch.zeros(batch, dtype=torch.bool, device=robot.device)
    twin[pairs.flatten()] = True
    which = robot.long().argmax(1)
    driven = scene.present[rows, which, now:].all(-1)
    return Siblings(pairs, torch.where(twin, torch.where(driven, which, -1), DRAW))


def contrast(
    predicted: Float[Tensor, "B N H 2"],
    truth: Float[Tensor, "B N H 2"],
    mask: Bool[Tensor, "B N H"],
    siblings: Siblings,
    kind: Int[Tensor, "B N"],
    even: bool = False,
) -> Float[Tensor, ""]:
    """Huber loss (1 m) of predicted against true differences between siblings' futures (m), over people; 0 without any.

    Args:
        predicted, truth: positions or journeys, both in one frame of reference for all siblings.
        mask: where there is a future.
        kind: of the agents; a robot's differences are plans, not reactions.
        even: differences grow with time, and the late ones can hardly be foreseen. So each is divided by its step's
            number (over the root mean square of all), and early ones, on which a planner acts, count alike.
    """
    one, other = siblings.pairs.unbind(1)
    step = torch.arange(1, truth.shape[2] + 1, device=truth.device, dtype=truth.dtype)[:, None]
    scale = step.square().mean().sqrt() / step if even else torch.ones_like(step)
    guess, real = ((value[one] - value[other]) * scale for value in (predicted, truth))
    error = F.huber_loss(guess, real, reduction="none").sum(-1)
    return masked_mean(error, mask[one] & mask[other] & (kind[one] != ROBOT)[..., None])
