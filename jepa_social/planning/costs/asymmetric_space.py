"""Personal space, wider ahead of people."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.kinematics import MIN_SPEED
from jepa_social.planning.costs.base import worst_of
from jepa_social.planning.imagined import Imagined


class AsymmetricSpace:
    """Asymmetric Gaussian round each person (Kirby 2010, "Social robot navigation", CMU-RI-TR-10-13, appendix A).

    With v the person's speed its standard deviations are max(2 v / s, 1/2) m ahead, half of that behind and two thirds
    to the sides. Somebody who stands has no front here, and the sides' all round.

    Args:
        least: m, the deviation ahead of somebody slow.
        growth: s, by which it grows with speed.
    """

    def __init__(self, least: float = 0.5, growth: float = 2.0):
        self.least, self.growth = least, growth

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of the greatest density, 1 in somebody's place."""
        velocity = imagined.people_velocities
        speed = velocity.norm(dim=-1)
        toward = velocity / speed.clamp(min=1e-6)[..., None]
        offset = imagined.ego[:, :, None, 1:] - imagined.people[..., 1:, :]
        along = (offset * toward).sum(-1)
        beside = offset.square().sum(-1) - along.square()
        ahead = (self.growth * speed).clamp(min=self.least)
        sides = 2.0 / 3.0 * ahead
        front = torch.where(along > 0, ahead, 0.5 * ahead)
        front = torch.where(speed > MIN_SPEED, front, sides)
        density = (-0.5 * ((along / front).square() + beside / sides.square())).exp()
        return (worst_of(density * imagined.exists[:, None, :, None]) * imagined.underway).mean(-1)
