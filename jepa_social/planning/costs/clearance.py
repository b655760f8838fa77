"""Keeping discs apart."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Clearance:
    """Nearness of discs: quadratic below a margin, a constant on top for overlap, far steps counting less.

    The margin to people grows with time, as predictions are less sure later: a plan into a closing crowd is dear even
    where it would just slip through were everybody to do exactly as expected.

    Args:
        margin: m of clearance below which it costs at present.
        growth: m/s by which the margin to people grows along the plan.
        collision: extra for every step of overlap.
        fade: weight of the last step relative to the first.
    """

    def __init__(self, margin: float = 0.3, growth: float = 0.0, collision: float = 2.0, fade: float = 0.3):
        self.margin, self.growth, self.collision, self.fade = margin, growth, collision, fade

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over people, walls and steps."""
        steps = torch.arange(imagined.actions.shape[2], device=imagined.actions.device)
        later = self.growth * steps * imagined.dt[:, None]
        near = self._near(imagined.clearance, self.margin + later[:, None, None])
        if imagined.wall_clearance is not None:
            near = near + self._near(imagined.wall_clearance, torch.full_like(later, self.margin)[:, None, None])
        weight = torch.linspace(1.0, self.fade, len(steps), device=steps.device) / len(steps)
        return (near * imagined.underway * weight).sum(-1)

    def _near(self, clearance: Tensor, margin: Tensor) -> Tensor:
        near = (1.0 - clearance / margin).clamp(0.0, 2.0).square() + self.collision * (clearance < 0)
        return near.sum(2)
