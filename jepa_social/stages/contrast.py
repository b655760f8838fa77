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

ROBOT = KINDS.index("robot")


@dataclass(frozen=True)
class Siblings:
    """Pairs of windows that have one past and differ in what the robot does then.

    Attributes:
        pairs: `[P,2]` windows of the batch.
        ego: `[B]` the robot, or -1 where there is none or it is gone by the anchor.
    """

    pairs: Int[Tensor, "P 2"]
    ego: Int[Tensor, "B"]


def find_siblings(scene: Scene, now: int) -> Siblings:
    """Windows of a batch with the same past up to frame `now`; whether the robot is still there at `now` may differ."""
    robot = scene.kind == ROBOT
    rows = torch.arange(robot.shape[0], device=robot.device)
    past = scene.position[:, :, : now + 1].clone()
    past[:, :, now] *= ~robot[..., None]
    there = scene.present[:, :, : now + 1].clone()
    there[:, :, now] |= robot
    same = _alike(past, there) & (robot[:, None] == robot).all(-1) & robot.any(1)
    which = robot.long().argmax(1)
    driven = robot.any(1) & scene.present[rows, which, now:].all(-1)
    return Siblings((same & (rows[:, None] < rows)).nonzero(), torch.where(driven, which, -1))


def shared_pasts(scene: Scene, now: int) -> tuple[Int[Tensor, "U"], Int[Tensor, "B"]]:
    """Windows whose pasts up to frame `now` are all that there are in a batch, and for each window which of them."""
    same = _alike(scene.position[:, :, : now + 1], scene.present[:, :, : now + 1])
    return same.long().argmax(1).unique(return_inverse=True)


def _alike(position: Tensor, present: Tensor) -> Bool[Tensor, "B B"]:
    there = (present[:, None] == present).flatten(2).all(-1)
    return there & (position[:, None] == position).flatten(2).all(-1)


def contrast(
    predicted: Float[Tensor, "B N H 2"],
    truth: Float[Tensor, "B N H 2"],
    mask: Bool[Tensor, "B N H"],
    siblings: Siblings,
    kind: Int[Tensor, "B N"],
) -> Float[Tensor, ""]:
    """Huber loss (1 m) of predicted against true differences between siblings' futures, over people; 0 without any.

    Differences grow with time, and the late ones can hardly be foreseen. So each is divided by its step's number (over
    the root mean square of all), and early ones, on which a planner acts, count alike.

    Args:
        predicted, truth: positions, m.
        mask: where there is a future.
        siblings: which windows are held against each other.
        kind: of the agents; a robot's differences are plans, not reactions.
    """
    one, other = siblings.pairs.unbind(1)
    step = torch.arange(1, truth.shape[2] + 1, device=truth.device, dtype=truth.dtype)[:, None]
    scale = step.square().mean().sqrt() / step
    guess, real = ((value[one] - value[other]) * scale for value in (predicted, truth))
    error = F.huber_loss(guess, real, reduction="none").sum(-1)
    return masked_mean(error, mask[one] & mask[other] & (kind[one] != ROBOT)[..., None])
