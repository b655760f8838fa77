"""Relative poses as attention features: all that the model ever sees of where things are.

Each token has its own frame (origin at the agent, x axis along its heading), and a pair of tokens is described only in
the frame of the query. So rigid motions of the world change nothing, by construction. An agent that has not been seen
to move has no heading: its directional features are zero (see `kinematics.oriented`).
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
    return torch.stack(_turn(*vector.unbind(-1), *ahead.unbind(-1)), dim=-1)


def _turn(x: Tensor, y: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return x * cos + y * sin, y * cos - x * sin


def length(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean length; the floor keeps its gradient finite at zero."""
    return (x * x + y * y).clamp(min=1e-12).sqrt()


def social_pose(
    offset: Float[Tensor, "... 2"],
    velocity: Float[Tensor, "... 2"],
    query: Float[Tensor, "... 2"],
    key: Float[Tensor, "... 2"],
    reach: Float[Tensor, "..."],
    dim: int = -1,
) -> Float[Tensor, "..."]:
    """Features of a key agent as the query agent sees it at one instant.

    Args:
        offset: key minus query position, world frame, m.
        velocity: key minus query velocity, world frame, m/s.
        query: where the query agent faces (`facing`).
        key: where the key agent faces.
        reach: sum of both radii, m.
        dim: where the axis of the features goes.

    The closest approach at constant velocities (time and distance; van den Berg et al. 2008 use the same quantity) is
    given outright: it is what people act on and costs a network many units to find.
    """
    (x, y), (u, v), ahead = offset.unbind(-1), velocity.unbind(-1), query.unbind(-1)
    distance, closing_speed = length(x, y), length(u, v)
    delay = ((x * u + y * v) / -(u * u + v * v).clamp(min=1e-2)).clamp(0.0, 5.0)
    miss = length(x + delay * u, y + delay * v) - reach
    gap = distance - reach
    near = (-0.5 * gap.clamp(min=0.0)).exp()
    front, left = (part / (distance + 0.5) for part in _turn(x, y, *ahead))
    features = (
        front,
        left,
        front * near,
        left * near,
        *(part * 0.5 for part in _turn(u, v, *ahead)),
        distance.clamp(max=20.0) * 0.1,
        near,
        (-2.0 * gap.clamp(min=-0.5)).exp(),
        closing_speed * 0.5,
        delay * 0.4,
        miss.clamp(max=5.0) * 0.4,
        (-delay - miss.clamp(min=0.0)).exp(),
        *(part.expand_as(front) for part in _turn(*key.unbind(-1), *ahead)),
    )
    return torch.stack(features, dim)


def temporal_pose(
    offset: Float[Tensor, "... 2"],
    query: Float[Tensor, "... 2"],
    key: Float[Tensor, "... 2"],
    lag: Float[Tensor, "..."],
    dim: int = -1,
) -> Float[Tensor, "..."]:
    """Features of an agent's earlier self: `offset` m in the world, `lag` s ago; the rest as in `social_pose`.

    The mean velocity since then is given besides the displacement: it is the smoothed velocity that noisy logs need.
    """
    ahead = query.unbind(-1)
    front, left = _turn(*offset.unbind(-1), *ahead)
    pace = 1.0 / (lag + 0.1)
    features = (
        front * 0.4,
        left * 0.4,
        front * pace,
        left * pace,
        *_turn(*key.unbind(-1), *ahead),
        (lag * 0.3).expand_as(front),
        (-2.0 * lag).exp().expand_as(front),
    )
    return torch.stack(features, dim)


def vector_pairs(x: Float[Tensor, "... N 2"]) -> Float[Tensor, "... N N 2"]:
    """Key minus query of vectors, `[..., query, key, 2]`; x and y lie apart in memory, as the poses read them."""
    parts = x.movedim(-1, 0).contiguous()
    return (parts.unsqueeze(-2) - parts.unsqueeze(-1)).movedim(0, -1)
