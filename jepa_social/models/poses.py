"""Relative poses as attention features: all that the model ever sees of where things are.

Each token has its own frame (origin at the agent, x axis along its heading), and a pair of tokens is described only in
the frame of the query. So rigid motions of the world change nothing, by construction. An agent that has not been seen to
move has no heading: its directional features are zero (see `scene.oriented`).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import rotate

SOCIAL_FEATURES = 15
TEMPORAL_FEATURES = 8


def social_pose(
    offset: Float[Tensor, "... 2"],
    velocity: Float[Tensor, "... 2"],
    heading: Float[Tensor, "..."],
    turn: Float[Tensor, "..."],
    reach: Float[Tensor, "..."],
    frame: Bool[Tensor, "..."],
    both: Bool[Tensor, "..."],
) -> Float[Tensor, "... F"]:
    """Features of a key agent as the query agent sees it at one instant.

    Args:
        offset: key minus query position, world frame, m.
        velocity: key minus query velocity, world frame, m/s.
        heading: of the query, rad.
        turn: key minus query heading, rad.
        reach: sum of both radii, m.
        frame: the query has a heading.
        both: query and key have one.

    The closest approach at constant velocities (time and distance; van den Berg et al. 2008 use the same quantity) is
    given outright: it is what people act on and costs a network many units to find.
    """
    distance = offset.norm(dim=-1)
    closing_speed = velocity.norm(dim=-1)
    delay = -(offset * velocity).sum(-1) / closing_speed.square().clamp(min=1e-2)
    delay = delay.clamp(0.0, 5.0)
    miss = (offset + delay[..., None] * velocity).norm(dim=-1) - reach
    gap = distance - reach
    ahead = rotate(offset, -heading) / (distance[..., None] + 0.5) * frame[..., None]
    drift = rotate(velocity, -heading) * frame[..., None]
    near = (-0.5 * gap.clamp(min=0.0)).exp()
    threat = (-delay).exp() * (-miss.clamp(min=0.0)).exp()
    return torch.cat(
        (
            ahead,
            ahead * near[..., None],
            drift * 0.5,
            torch.stack(
                (
                    distance.clamp(max=20.0) * 0.1,
                    near,
                    (-2.0 * gap.clamp(min=-0.5)).exp(),
                    closing_speed * 0.5,
                    delay * 0.4,
                    miss.clamp(max=5.0) * 0.4,
                    threat,
                    turn.cos() * both,
                    turn.sin() * both,
                ),
                dim=-1,
            ),
        ),
        dim=-1,
    )


def temporal_pose(
    offset: Float[Tensor, "... 2"],
    heading: Float[Tensor, "..."],
    turn: Float[Tensor, "..."],
    lag: Float[Tensor, "..."],
    frame: Bool[Tensor, "..."],
    both: Bool[Tensor, "..."],
) -> Float[Tensor, "... F"]:
    """Features of an agent's earlier self: `offset` m in the world, `lag` s ago; the rest as in `social_pose`.

    The mean speed since then is given besides the displacement: it is the smoothed velocity that noisy logs need.
    """
    local = rotate(offset, -heading) * frame[..., None]
    return torch.cat(
        (
            local * 0.4,
            local / (lag[..., None] + 0.1),
            torch.stack((turn.cos() * both, turn.sin() * both, lag * 0.3, (-2.0 * lag).exp()), dim=-1),
        ),
        dim=-1,
    )


def pairs(x: Float[Tensor, "... N"]) -> Float[Tensor, "... N N"]:
    """Key minus query for every pair of the last axis: `[..., query, key]`."""
    return x.unsqueeze(-2) - x.unsqueeze(-1)


def vector_pairs(x: Float[Tensor, "... N 2"]) -> Float[Tensor, "... N N 2"]:
    """Key minus query of vectors, `[..., query, key, 2]`."""
    return x.unsqueeze(-3) - x.unsqueeze(-2)
