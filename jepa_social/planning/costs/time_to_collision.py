"""Being about to bump into somebody."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import time_to_touch
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
        urgent = worst_of((1.0 - time / self.limit).clamp(min=0.0) * imagined.exists[:, None, :, None])
        return (urgent * imagined.underway).mean(-1)
