"""The way round walls: where to head for next on the shortest path to a goal that walls hide.

A visibility graph (Lozano-Pérez & Wesley, CACM 1979) whose nodes are the wall ends, pushed out along the wall beyond
its end, so that the two ends at a doorway give nodes inside the opening. Openings narrower than the walker's diameter
and `CLEAR` count as closed.
"""

from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import closest_on_segment, segments_cross
from jepa_social.scene import FAR

CLEAR = 0.15
"""m between a disc that turns round a wall's end and that end."""

ADVANCE = 0.7
"""m that the waypoint lies beyond the corner, on the next leg, so that nobody slows down for it."""


class Route:
    """The ways of a walker to its goal, from anywhere.

    Args:
        goal: m.
        walls: segments x0 y0 x1 y1, m; those at `FAR` are padding.
        radius: m, of who walks.
    """

    def __init__(self, goal: Float[Tensor, "B 2"], walls: Float[Tensor, "B W 4"], radius: Float[Tensor, "B"]):
        self.goal, self.radius = goal, radius
        self.solid = (walls < FAR).all(-1)
        self.ends = walls.unflatten(-1, (2, 2))

    def waypoint(self, position: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """The point to head for from `position` (m): the goal where it is in sight or cannot be reached, else just
        round the first corner.

        In sight means that the straight way crosses no wall and that a disc of `radius` passes by the walls' ends.
        """
        seen = self._free(position[:, None], self.goal[:, None])[:, 0]
        if bool(seen.all()):
            return self.goal
        corner, usable, leg, onward, rest = self._graph
        far = torch.full_like(rest, torch.inf)
        to_corner = torch.where(usable, (corner - position[:, None]).norm(dim=-1), far) + rest
        clear = self._free(position[:, None], corner) & to_corner.isfinite()
        uncrossed = ~_crossed(position[:, None], corner, self.ends, self.solid)
        reached = torch.where(clear.any(-1, keepdim=True), clear, uncrossed)  # who is close to a wall's end squeezes by
        length, first = torch.where(reached, to_corner, far).min(-1)

        rows = torch.arange(len(self.goal), device=self.goal.device)
        via_corner, after = (leg + rest[:, None])[rows, first].min(-1)
        last = onward[rows, first] <= via_corner
        then = torch.where(last[:, None], self.goal, corner[rows, after])
        aim = self._beyond(position, corner[rows, first], then)
        return torch.where((seen | length.isinf())[:, None], self.goal, aim)

    def left(self, position: Float[Tensor, "B P 2"]) -> Float[Tensor, "B P"]:
        """Length (m) of the shortest way from each `position` (m) to the goal; straight on where there is none.

        Who walks is a point up to the first corner, so the way is told wherever a plan may lead.
        """
        straight = (position - self.goal[:, None]).norm(dim=-1)
        seen = ~_crossed(position, self.goal[:, None], self.ends, self.solid)
        if bool(seen.all()):
            return straight
        corner, _, _, _, rest = self._graph
        leads = rest.isfinite()
        some = leads.any(0)
        corner, rest, leads = corner[:, some], rest[:, some], leads[:, some]
        if not corner.shape[1]:
            return straight
        way = (position[:, :, None] - corner[:, None]).norm(dim=-1) + rest[:, None]
        hidden = _crossed(position[:, :, None], corner[:, None], self.ends, self.solid) | ~leads[:, None]
        way = way.masked_fill(hidden, torch.inf).amin(-1)
        return torch.where(seen | way.isinf(), straight, way)

    @cached_property
    def _graph(self) -> tuple[Tensor, ...]:
        """Corners `[B,C,2]`, whether they can be turned at `[B,C]`, and in m, inf where there is no way: free legs from
        one to another `[B,C,C]`, straight on to the goal `[B,C]`, the shortest way to the goal `[B,C]`."""
        ends, radius = self.ends, self.radius
        corner = (ends + (radius + CLEAR).view(-1, 1, 1, 1) * _outward(ends)).flatten(1, 2)
        nearest = closest_on_segment(corner[:, :, None], ends[:, None, :, 0], ends[:, None, :, 1])
        tight = ((nearest - corner[:, :, None]).norm(dim=-1) < radius.view(-1, 1, 1)) & self.solid[:, None]
        usable = self.solid.repeat_interleave(2, dim=1) & ~tight.any(-1)

        to_goal = self._free(corner, self.goal[:, None]) & usable
        onward = torch.where(to_goal, (corner - self.goal[:, None]).norm(dim=-1), torch.inf)
        open_leg = self._free(corner[:, :, None], corner[:, None])
        leg = (corner[:, :, None] - corner[:, None]).norm(dim=-1)
        other = ~torch.eye(corner.shape[1], dtype=torch.bool, device=corner.device)
        leg = torch.where(open_leg & usable[:, None] & usable[:, :, None] & other, leg, torch.inf)
        rest = onward
        for _ in range(corner.shape[1]):  # Bellman-Ford: one more corner each time
            shorter = torch.minimum(rest, (leg + rest[:, None]).amin(-1))
            if torch.equal(shorter, rest):
                break
            rest = shorter
        return corner, usable, leg, onward, rest

    def _beyond(self, position: Tensor, turn: Tensor, then: Tensor) -> Tensor:
        """The farthest point `[B,2]` of the leg `turn`-`then`, at most `ADVANCE` on, that is in sight."""
        share = (ADVANCE / (then - turn).norm(dim=-1, keepdim=True).clamp(min=1e-6)).clamp(max=1.0)
        step = torch.linspace(0.0, 1.0, 15, dtype=turn.dtype, device=turn.device)
        point = turn[:, None] + step[:, None] * (share * (then - turn))[:, None]
        seen = self._free(position[:, None], point)
        best = (seen * torch.arange(len(step), device=turn.device)).argmax(-1)
        return point[torch.arange(len(turn), device=turn.device), best]

    def _free(self, start: Tensor, end: Tensor) -> Tensor:
        return _free(start, end, self.ends, self.solid, self.radius)


def waypoint(
    position: Float[Tensor, "B 2"],
    goal: Float[Tensor, "B 2"],
    walls: Float[Tensor, "B W 4"] | None,
    radius: Float[Tensor, "B"],
) -> Float[Tensor, "B 2"]:
    """`Route.waypoint` where there are walls, else the goal."""
    if walls is None or not walls.shape[1]:
        return goal
    return Route(goal, walls, radius).waypoint(position)


def _outward(ends: Tensor) -> Tensor:
    """Unit vectors `[B,W,2,2]` that lead out of each end of each wall."""
    along = torch.nn.functional.normalize(ends[:, :, 1] - ends[:, :, 0], dim=-1)
    return torch.stack((-along, along), dim=2)


def _free(start: Tensor, end: Tensor, ends: Tensor, solid: Tensor, radius: Tensor) -> Tensor:
    """Whether the straight way from `start` to `end` `[B,...,2]` crosses no wall and keeps its distance from wall ends.

    The distance is `radius`, or what `start` and `end` themselves have, so that who touches a wall can still walk off.
    """
    shape = (len(solid), *[1] * (max(start.ndim, end.ndim) - 2), -1)
    p, q = start[..., None, :], end[..., None, :]
    close = torch.zeros((), dtype=torch.bool, device=solid.device)
    for tip in (ends[:, :, k].view(*shape, 2) for k in (0, 1)):
        near = (closest_on_segment(tip, p, q) - tip).norm(dim=-1)
        own = torch.minimum((p - tip).norm(dim=-1), (q - tip).norm(dim=-1))
        close = close | (near < torch.minimum(radius.view(shape), 0.99 * own))
    return ~(_crossed(start, end, ends, solid) | (close & solid.view(shape)).any(-1))


def _crossed(start: Tensor, end: Tensor, ends: Tensor, solid: Tensor) -> Tensor:
    """Whether the straight way from `start` to `end` `[B,...,2]` crosses a wall."""
    shape = (len(solid), *[1] * (max(start.ndim, end.ndim) - 2), -1)
    a, b = (ends[:, :, k].view(*shape, 2) for k in (0, 1))
    p, q = start[..., None, :], end[..., None, :]
    return (segments_cross(p, q, a, b) & solid.view(shape)).any(-1)
