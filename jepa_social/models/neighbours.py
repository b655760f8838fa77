"""Whom agents see: of all others within reach, the nearest few."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.models.layers import Sight
from jepa_social.models.poses import social_pose


def look_around(
    position: Float[Tensor, "... N 2"],
    velocity: Float[Tensor, "... N 2"],
    ahead: Float[Tensor, "... N 2"],
    radius: Float[Tensor, "... N"],
    present: Bool[Tensor, "... N"],
    reach: float,
    neighbours: int,
) -> Sight:
    """Each agent's view of the others at one instant: those nearer than `reach` (m), at most the nearest `neighbours`.

    Whoever is as far as the first to be left out is left out too: of equals none may be preferred, or the order of
    agents would matter. Up to `neighbours` + 1 agents everybody within reach is seen and nothing is sorted; beyond,
    pairs cost as many features as there are neighbours, not agents.
    """
    agents = present.shape[-1]
    parts = torch.stack((*position.unbind(-1), *velocity.unbind(-1), *ahead.unbind(-1), radius))
    query, key = parts.unsqueeze(-1), parts.unsqueeze(-2)
    squared = (key[0] - query[0]).square() + (key[1] - query[1]).square()
    others = ~torch.eye(agents, dtype=torch.bool, device=present.device)
    mask = present[..., None, :] & present[..., :, None] & others & (squared < reach**2)
    index = None
    if agents > neighbours + 1:
        nearest = squared.masked_fill(~mask, torch.inf).topk(neighbours + 1, largest=False)
        index = nearest.indices[..., :-1]
        mask = nearest.values[..., :-1] < nearest.values[..., -1:]
        key = key.expand(*parts.shape, agents).gather(-1, index.expand(len(parts), *index.shape))
    gap = (key[:4] - query[:4]).movedim(0, -1)
    pose = social_pose(
        gap[..., :2], gap[..., 2:], query[4:6].movedim(0, -1), key[4:6].movedim(0, -1), query[6] + key[6], dim=-2
    )
    return Sight.of(pose, mask, index)
