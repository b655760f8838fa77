"""Even commands."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Comfort:
    """Mean squared acceleration and jerk of the commands, relative to (preferred speed) / s and / s².

    Args:
        jerk: weight of jerk.
        acceleration: weight of acceleration; 0 leaves the minimum-jerk criterion of Flash and Hogan (1985).
    """

    def __init__(self, jerk: float = 0.1, acceleration: float = 1.0):
        self.jerk, self.acceleration = jerk, acceleration

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """`acceleration` * acceleration² + `jerk` * jerk²."""
        dt = imagined.dt.view(-1, 1, 1, 1)
        now = imagined.velocity[:, None, None].expand(-1, imagined.actions.shape[1], 1, 2)
        change = torch.cat((now, imagined.actions), dim=2).diff(dim=2) / dt
        jolt = change.diff(dim=2) / dt
        scale = imagined.speed.view(-1, 1).square().clamp(min=1e-3)
        uneven = self.acceleration * change.square().sum(-1).mean(-1) + self.jerk * jolt.square().sum(-1).mean(-1)
        return uneven / scale
