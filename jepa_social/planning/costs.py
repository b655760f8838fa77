"""Costs: small composable objects, each `cost(imagined) -> [B,S]`, summed by weight.

Every term is dimensionless and about 1 when matters are as bad as they reasonably get, so that weights compare.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Cost(Protocol):
    """Judges plans: lower is better."""

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Cost of each plan."""
        ...


class Weighted:
    """Weighted sum of named costs; a weight of 0 leaves a term out."""

    def __init__(self, terms: Mapping[str, Cost], weights: Mapping[str, float]):
        if set(terms) != set(weights):
            raise ValueError(f"cost terms {sorted(terms)} and weights {sorted(weights)} must have the same names")
        self.terms = {name: (float(weights[name]), term) for name, term in terms.items() if weights[name]}

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over terms."""
        total = imagined.actions.new_zeros(imagined.actions.shape[:2])
        for weight, term in self.terms.values():
            total = total + weight * term(imagined)
        return total


class Progress:
    """Distance still to go, relative to what full speed would cover: averaged over the plan, and at its end.

    The average alone would rather stand before an obstacle than lose a metre on the way round it. Standing still is 0;
    -1 would be to be as far as the plan can get at once.

    Args:
        end: share of the distance at the end; the rest is the average's.
    """

    def __init__(self, end: float = 0.25):
        self.end = end

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Change of the distance / (speed * duration)."""
        gone = imagined.left[..., 1:] - imagined.left[..., :1]
        duration = imagined.dt * imagined.actions.shape[2]
        change = (1 - self.end) * gone.mean(-1) + self.end * gone[..., -1]
        return change / (imagined.speed * duration).view(-1, 1).clamp(min=1e-3)


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


class PersonalSpace:
    """Time spent nearer than `distance` (m, centre to centre) to somebody, by depth: Hall's (1966) personal space.

    The default is the 1.0 m of the personal-space compliance metric plus a little.
    """

    def __init__(self, distance: float = 1.1):
        self.distance = distance

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of the deepest intrusion, 0 outside and 1 at the centre of somebody."""
        depth = (1.0 - imagined.distance / self.distance).clamp(min=0.0)
        nobody = depth.new_zeros(*depth.shape[:2], 1, depth.shape[3])
        return torch.cat((depth, nobody), dim=2).amax(2).mul(imagined.underway).mean(-1)


class Comfort:
    """Mean squared acceleration and jerk of the commands, relative to (preferred speed) / s and / s²."""

    def __init__(self, jerk: float = 0.1):
        self.jerk = jerk

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Acceleration² + `jerk` * jerk²."""
        dt = imagined.dt.view(-1, 1, 1, 1)
        now = imagined.velocity[:, None, None].expand(-1, imagined.actions.shape[1], 1, 2)
        acceleration = torch.cat((now, imagined.actions), dim=2).diff(dim=2) / dt
        jerk = acceleration.diff(dim=2) / dt
        scale = imagined.speed.view(-1, 1).square().clamp(min=1e-3)
        return (acceleration.square().sum(-1).mean(-1) + self.jerk * jerk.square().sum(-1).mean(-1)) / scale
