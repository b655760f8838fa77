"""CrowdNav's reward and what it is made of, for many scenes at once.

1 on arrival, -0.25 for a collision, otherwise -0.5 (0.2 - c) dt while the gap c to the nearest person is below 0.2 m
(Chen et al., ICRA 2019, eq. 5).
"""

import torch
from torch import Tensor

from jepa_social.geometry import segment_distance, swept_distance
from jepa_social.scene import Scene

NEAR = 0.2
"""m, CrowdNav's discomfort distance."""


def least_gap(last: Scene, ego: int) -> Tensor:
    """Least gap `[E]` (m) of agent `ego` to anybody on the segment swept between two frames; infinite if alone.

    Somebody who appears at the end of the step counts where they appear. A wall counts only when it is touched, as the
    reward is about people: then the gap is negative, however far away they are.
    """
    relative = last.position - last.position[:, ego : ego + 1]
    swept = swept_distance(relative[:, :, 0], relative[:, :, 1])
    distance = torch.where(last.present[:, :, 0], swept, relative[:, :, 1].norm(dim=-1))
    there = last.present[:, :, 1].clone()
    there[:, ego] = False
    radius = last.radius[:, ego]
    gap = (distance - last.radius - radius[:, None]).masked_fill(~there, torch.inf).amin(1)
    if last.walls is None or last.walls.shape[1] == 0:
        return gap
    start, end = last.position[:, ego, :, None].unbind(1)
    wall = segment_distance(start, end, last.walls[..., :2], last.walls[..., 2:]).amin(1) - radius
    return torch.where(wall < 0, torch.minimum(wall, gap), gap)


def reward(gap: Tensor, arrived: Tensor, dt: float) -> Tensor:
    """The reward `[E]` of a step of `dt` s that came as near as `gap [E]` m (see the module)."""
    underway = torch.where(arrived, 1.0, (0.5 * (gap - NEAR) * dt).clamp(max=0.0))
    return torch.where(gap < 0, -0.25, underway)
