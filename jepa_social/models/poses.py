"""Relative poses as attention features: all that the model ever sees of where things are.

Each token has its own frame (origin at the agent, x axis along its heading), and a pair of tokens is described only in
the frame of the query. So rigid motions of the world change nothing, by construction. An agent that has not been seen
to move has no heading: its directional features are zero (see `scene.oriented`).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

SOCIAL_FEATURES = 15
TEMPORAL_FEATURES = 8


def facing(heading: Float[Tensor, "..."], oriented: Bool[Tensor, "..."]) -> Float[Tensor, "... 2"]:
    """Unit vectors along `heading` (rad), zero where there is none: every directional feature is linear in them."""
    return torch.stack((heading.cos(), heading.sin()), dim=-1) * oriented[..., None]


def local(vector: Float[Tensor, "... 2"], ahead: Float[Tensor, "... 2"]) -> Float[Tensor, "... 2"]:
    """`vector` in the frame whose x axis is the unit vector `ahead` (shapes broadcast); zero without one."""
    x = vector[..., 0] * ahead[..., 0] + vector[..., 1] * ahead[..., 1]
    y = vector[..., 1] * ahead[..., 0] - vector[..., 0] * ahead[..., 1]
    return torch.stack((x, y), dim=-1)


def social_pose(
    offset: Float[Tensor, "... 2"],
    velocity: Float[Tensor, "... 2"],
    query: Float[Tensor, "... 2"],
    key: Float[Tensor, "... 2"],
    reach: Float[Tensor, "..."],
) -> Float[Tensor, "... F"]:
    """Features of a key agent as the query agent sees it at one instant.

    Args:
        offset: key minus query position, world frame, m.
        velocity: key minus query velocity, world frame, m/s.
        query: where the query agent faces (`facing`).
        key: where the key agent faces.
        reach: sum of both radii, m.

    The closest approach at constant velocities (time and distance; van den Berg et al. 2008 use the same quantity) is
    given outright: it is what people act on and costs a network many units to find.
    """
    distance = offset.norm(dim=-1)
    closing_speed = velocity.norm(dim=-1)
    delay = -(offset * velocity).sum(-1) / closing_speed.square().clamp(min=1e-2)
    delay = delay.clamp(0.0, 5.0)
    miss = (offset + delay[..., None] * velocity).norm(dim=-1) - reach
    gap = distance - reach
    ahead = local(offset, query) / (distance[..., None] + 0.5)
    near = (-0.5 * gap.clamp(min=0.0)).exp()
    scalars = (
        distance.clamp(max=20.0) * 0.1,
        near,
        (-2.0 * gap.clamp(min=-0.5)).exp(),
        closing_speed * 0.5,
        delay * 0.4,
        miss.clamp(max=5.0) * 0.4,
        (-delay - miss.clamp(min=0.0)).exp(),
    )
    return torch.cat(
        (
            ahead,
            ahead * near[..., None],
            local(velocity, query) * 0.5,
            torch.stack(scalars, dim=-1),
            local(key, query).expand(ahead.shape),
        ),
        dim=-1,
    )


def temporal_pose(
    offset: Float[Tensor, "... 2"],
    query: Float[Tensor, "... 2"],
    key: Float[Tensor, "... 2"],
    lag: Float[Tensor, "..."],
) -> Float[Tensor, "... F"]:
    """Features of an agent's earlier self: `offset` m in the world, `lag` s ago; the rest as in `social_pose`.

    The mean velocity since then is given besides the displacement: it is the smoothed velocity that noisy logs need.
    """
    behind = local(offset, query)
    return torch.cat(
        (
            behind * 0.4,
            behind / (lag[..., None] + 0.1),
            local(key, query),
            torch.stack((lag * 0.3, (-2.0 * lag).exp()), dim=-1),
        ),
        dim=-1,
    )


def vector_pairs(x: Float[Tensor, "... N 2"]) -> Float[Tensor, "... N N 2"]:
    """Key minus query of vectors, `[..., query, key, 2]`."""
    return x.unsqueeze(-3) - x.unsqueeze(-2)
