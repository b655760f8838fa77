"""CrowdNav's reward and what it is made of, for many scenes at once.

1 on arrival, -0.25 for a collision, otherwise -0.5 (0.2 - c) dt while the gap c to the nearest person is below 0.2 m
(Chen et al., ICRA 2019, eq. 5).
"""

import torch
from torch import Tensor

from jepa_social.scene import Scene
from jepa_social.worlds.clearance import companions, people_clearance, wall_clearance

NEAR = 0.2
"""m, CrowdNav's discomfort distance."""


def least_gap(last: Scene, ego: int) -> Tensor:
    """Least gap `[E]` (m) of agent `ego` to any stranger on the segment swept between two frames; infinite if alone.

    Its own group does not count, as in the runner: recorded friends walk shoulder to shoulder. Somebody who appears at
    the end of the step counts where they appear. A wall counts only when it is touched, as the
    reward is about people: then the gap is negative, however far away they are.
    """
    own = last.clone(False)
    own.ego = torch.full_like(last.ego, ego)
    gap, wall = people_clearance(own, ~companions(own))[:, 0], wall_clearance(own)[:, 0]
    return torch.where(wall < 0, torch.minimum(wall, gap), gap)


def reward(gap: Tensor, arrived: Tensor, dt: float) -> Tensor:
    """The reward `[E]` of a step of `dt` s that came as near as `gap [E]` m (see the module)."""
    underway = torch.where(arrived, 1.0, (0.5 * (gap - NEAR) * dt).clamp(max=0.0))
    return torch.where(gap < 0, -0.25, underway)
