"""Being about to bump into somebody."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.costs.base import worst_of
from jepa_social.planning.imagined import Imagined


class TimeToCollision:
    """Time until discs would touch if both kept their velocity, where it is short.

    The metric counts the share of time below 0.95 s (HuNavSim, Pérez-Higueras et al. 2023); this is its ramp, so that
    plans can be ranked.

    Args:
        limit: s from which on it costs nothing.
    """

    def __init__(self, limit: float = 0.95):
        self.limit = limit

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of how far below `limit` the soonest touch is: 0 to 1."""
        offset = imagined.people[..., :-1, :] - imagined.ego[:, :, None, :-1]
        approach = imagined.people_velocities - imagined.actions[:, :, None]
        time = time_to_touch(offset, approach, imagined.reach[:, None, :, None])
        return worst_of((1.0 - time / self.limit).clamp(min=0.0) * imagined.exists[:, None, :, None]).mean(-1)


def time_to_touch(
    offset: Float[Tensor, "*B 2"], velocity: Float[Tensor, "*B 2"], reach: Float[Tensor, "..."]
) -> Float[Tensor, "*B"]:
    """Time (s) until a point at `offset` (m) that moves with `velocity` (m/s) is within `reach` (m) of the origin.

    0 where it is so already, infinite where it never will be.
    """
    speed = velocity.square().sum(-1)
    closing = -(offset * velocity).sum(-1)
    apart = offset.square().sum(-1) - reach**2
    root = closing.square() - speed * apart
    time = (closing - root.clamp(min=0.0).sqrt()) / speed.clamp(min=1e-9)
    meets = (closing > 0) & (root >= 0)
    return torch.where(apart <= 0, torch.zeros_like(time), torch.where(meets, time, torch.inf))
