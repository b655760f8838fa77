"""Letting others see early where one is going."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import rotate
from jepa_social.planning.imagined import Imagined


class Legibility:
    """Doubt of an observer about the ego's goal (Dragan, Lee and Srinivasa 2013, "Legibility and predictability").

    The observer takes walkers to be efficient: on the way from S to Q its belief in a goal G is proportional to
    exp(rationality * (|S G| - |Q G|)), all goals being equally likely at first (their eq. 8; the way walked so far is
    the same for all). Early steps count most (their eq. 9). The goals it considers are the ego's and the same one seen
    from the ego in other directions.

    Args:
        rivals: degrees from the ego's goal to the others.
        rationality: nats per metre.
    """

    def __init__(self, rivals: Sequence[float] = (-60.0, 60.0), rationality: float = 2.0):
        self.rivals, self.rationality = tuple(rivals), rationality

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """1 less the mean belief in the ego's goal: 0 where it is plain, 1 - 1 / goals where nothing is shown."""
        start = imagined.ego[:, :1, 0]
        angle = imagined.aim.new_tensor([0.0, *(math.radians(turn) for turn in self.rivals)])
        goal = start + rotate((imagined.aim[:, None] - start).expand(-1, len(angle), -1), angle)
        left = (goal[:, None, :, None] - imagined.ego[:, :, None, 1:]).norm(dim=-1)
        gain = (goal - start).norm(dim=-1)[:, None, :, None] - left
        belief = (self.rationality * gain).softmax(2)[:, :, 0]
        steps = belief.shape[-1]
        weight = torch.arange(steps, 0, -1, device=belief.device) / (0.5 * steps * (steps + 1))
        return 1.0 - (belief * weight).sum(-1)
