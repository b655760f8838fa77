"""CrowdNav's reward and what it is made of, for many scenes at once.

1 on arrival, -0.25 for a collision, otherwise -0.5 (0.2 - c) dt while the gap c to the nearest person is below 0.2 m
(Chen et al., ICRA 2019, eq. 5).
"""

import torch
from torch import Tensor

from jepa_social.geometry import swept_distance
from jepa_social.scene import Scene

NEAR = 0.2
"""m, CrowdNav's discomfort distance."""


def least_gap(last: Scene, ego: int) -> Tensor:
    """Least gap `[E]` (m) of agent `ego` to anybody on the segment swept between two frames; infinite if alone."""
    relative = last.position - last.position[:, ego : ego + 1]
    gap = swept_distance(relative[:, :, 0], relative[:, :, 1]) - last.radius - last.radius[:, ego : ego + 1]
    there = last.present.all(-1)
    there[:, ego] = False
    return gap.masked_fill(~there, torch.inf).amin(1)


def reward(gap: Tensor, arrived: Tensor, dt: float) -> Tensor:
    """The reward `[E]` of a step of `dt` s that came as near as `gap [E]` m (see the module)."""
    underway = torch.where(arrived, 1.0, (0.5 * (gap - NEAR) * dt).clamp(max=0.0))
    return torch.where(gap < 0, -0.25, underway)
