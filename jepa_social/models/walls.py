"""Walls as agents see them: what tells a doorway and a corridor from open space.

A wall is a segment that may be given from either end, so it is looked at from both: one small network embeds both
views. All are pooled, so neither the order of walls nor that of their ends matters (a deep set, Zaheer et al. 2017),
and where there is no wall there is exactly nothing to add.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.geometry import closest_on_segment
from jepa_social.models.objectives.gathered import processes
from jepa_social.models.poses import length, local

MOMENTS = (0.0, 0.5, 1.0, 2.0, 3.0)
"""s ahead at which an agent that keeps its velocity is asked how near a wall it is: does it hit, pass, walk along?"""
WALL_FEATURES = 16 + len(MOMENTS)
MOST = 8.0
"""Greatest logit of a wall: e^8 to 1 is all."""


def wall_pose(
    walls: Float[Tensor, "*#A W 4"],
    position: Float[Tensor, "*A 2"],
    velocity: Float[Tensor, "*A 2"],
    ahead: Float[Tensor, "*A 2"],
    radius: Float[Tensor, "*A"],
) -> tuple[Float[Tensor, "*A W 2 F"], Float[Tensor, "*A W"]]:
    """Features of walls as agents see them at one instant, from either end, and their distances (m).

    Args:
        walls: segments x0 y0 x1 y1, world frame, m.
        position: of the agents, world frame, m. velocity: m/s.
        ahead: where they face (`poses.facing`).
        radius: m.

    The nearest point, both ends and the way from one to the other are told in the agent's frame. Of its motion: how
    fast it comes nearer, exp(-s to contact) at that pace, and how near it would be at `MOMENTS`.
    """
    ends = walls.unflatten(-1, (2, 2)) - position[..., None, None, :]
    start, end = ends.unbind(-2)
    ahead, velocity, radius = ahead[..., None, :], velocity[..., None, :], radius[..., None]
    course = velocity[..., None, :] * velocity.new_tensor(MOMENTS)[:, None]
    away = closest_on_segment(course, start[..., None, :], end[..., None, :]) - course
    gaps = length(*away.unbind(-1)) - radius[..., None]
    nearest, gap = away[..., 0, :], gaps[..., 0]
    distance = gap + radius
    closing = (velocity * nearest).sum(-1) / distance
    scalars = (
        distance.clamp(max=20.0) * 0.1,
        (-0.5 * gap.clamp(min=0.0)).exp(),
        closing * 0.5,
        (-gap.clamp(min=0.0) / closing.clamp(min=1e-2)).exp(),
    )
    near = torch.stack(scalars, dim=-1)
    direction = _direction(nearest, ahead)
    alike = torch.cat((direction, direction * near[..., 1:2], near, (-2.0 * gaps.clamp(min=-0.5)).exp()), dim=-1)
    along = local(nn.functional.normalize(end - start, dim=-1), ahead)
    tips = torch.cat(
        (_direction(ends, ahead[..., None, :]), (-0.5 * length(*ends.unbind(-1))).exp()[..., None]), dim=-1
    )
    both = torch.stack((along, -along), dim=-2)
    return torch.cat((alike[..., None, :].expand(*tips.shape[:-1], -1), tips, tips.flip(-2), both), dim=-1), distance


def _direction(offset: Tensor, ahead: Tensor) -> Tensor:
    """Where `offset` points in the agent's own frame: of length 1 far away, 0 close by."""
    return local(offset, ahead) / (length(*offset.unbind(-1)) + 0.5)[..., None]


def none_shared(
    walls: Float[Tensor, "B W 4"] | None, position: Float[Tensor, "B ..."]
) -> Float[Tensor, "B W 4"] | None:
    """`walls`; while processes train together an empty set instead of None.

    DDP waits for a gradient of every parameter from every process: where one has no walls theirs must be zero, not
    absent.
    """
    if walls is None and processes() > 1 and torch.is_grad_enabled():
        return position.new_zeros(position.shape[0], 0, 4)
    return walls


class Walls(nn.Module):
    """What the walls around an agent add to its token or hidden state; nothing before it is trained.

    Every unit attends to the walls for itself: a mean, weighted by how much it minds each of them and fading to nothing
    at the edge of sight, beside a place of weight 1 where there is nothing. So many walls are not more than a few.

    Args:
        width: of what a wall is embedded in.
        out: of what it is added to.
        reach: m beyond which agents see no wall; closer ones come into sight gradually.
    """

    def __init__(self, width: int, out: int, reach: float):
        super().__init__()
        self.reach = reach
        self.embed = nn.Linear(WALL_FEATURES, 2 * width)
        # no biases from here on: no walls, nothing to add
        self.together = nn.Linear(width, width, bias=False)
        self.add = nn.Linear(width, out, bias=False)
        # of order 1, or training would not find them beside tokens of order 1 in as many steps as it has
        nn.init.normal_(self.embed.weight, std=0.5)
        nn.init.normal_(self.together.weight, std=(2 / width) ** 0.5)
        nn.init.zeros_(self.add.weight)

    def forward(
        self,
        walls: Float[Tensor, "*#A W 4"],
        position: Float[Tensor, "*A 2"],
        velocity: Float[Tensor, "*A 2"],
        ahead: Float[Tensor, "*A 2"],
        radius: Float[Tensor, "*A"],
    ) -> Float[Tensor, "*A D"]:
        """See `wall_pose` for the arguments."""
        pose, distance = wall_pose(walls, position, velocity, ahead, radius)
        fade = (1.0 - (distance / self.reach).square()).clamp(min=0.0).square()
        what, minded = self.embed(pose).chunk(2, dim=-1)
        weight = minded.clamp(max=MOST).exp() * fade[..., None, None]
        seen = (weight * nn.functional.silu(what)).sum((-3, -2)) / (1.0 + weight.sum((-3, -2)))
        return self.add(nn.functional.silu(self.together(seen)))
