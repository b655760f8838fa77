"""Keeping discs apart."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Clearance:
    """Nearness of discs: quadratic below `margin`, a constant on top for overlap, far steps counting less.

    Args:
        margin: m of clearance below which it costs.
        collision: extra for every step of overlap.
        fade: weight of the last step relative to the first (predictions are less sure there).
    """

    def __init__(self, margin: float = 0.3, collision: float = 2.0, fade: float = 0.3):
        self.margin, self.collision, self.fade = margin, collision, fade

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over people, walls and steps."""
        cost = self._near(imagined.clearance)
        if imagined.wall_clearance is not None:
            cost = cost + self._near(imagined.wall_clearance)
        return cost

    def _near(self, clearance: Tensor) -> Tensor:
        near = (1.0 - clearance / self.margin).clamp(0.0, 2.0).square() + self.collision * (clearance < 0)
        steps = clearance.shape[-1]
        weight = torch.linspace(1.0, self.fade, steps, device=clearance.device) / steps
        return (near.sum(2) * weight).sum(-1)
