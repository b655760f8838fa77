"""Optimal reciprocal collision avoidance for E crowds of N people at once.

van den Berg, Guy, Lin & Manocha, *Reciprocal n-body collision avoidance*, ISRR 2011, eq. 1–9, with the conventions of
the RVO2 library: every neighbour forbids a half-plane of velocities, and the allowed velocity nearest to the preferred
one comes from an exact linear programme. Two things are added. `share` says how much of an avoidance an agent takes
upon itself (0.5 is reciprocal, 1 gives way alone, 0 pays no heed), and walls are half-planes through their nearest
point.
"""

import torch
from torch import Tensor

from jepa_social.geometry import closest_on_segment
from jepa_social.worlds.linear_programme import HalfPlanes, closest_velocity

TINY = 1e-9
NEUTRAL = -1.0e4
"""Offset of a constraint that always holds."""


def orca_velocity(
    position: Tensor,
    velocity: Tensor,
    preferred_velocity: Tensor,
    radius: Tensor,
    max_speed: Tensor,
    present: Tensor,
    horizon: float,
    dt: float,
    share: Tensor | float = 0.5,
    neighbor_dist: float = 10.0,
    max_neighbors: int = 10,
    walls: Tensor | None = None,
    margin: Tensor | float = 0.0,
    agents: Tensor | None = None,
    wall_horizon: float = 1.0,
) -> Tensor:
    """Next velocity of every agent, or only of `agents`, by ORCA.

    Q is the number of deciding agents: N, or the width of `agents`.

    Args:
        position, velocity: `[E,N,2]` m and m/s.
        preferred_velocity: `[E,Q,2]` m/s.
        radius: `[E,N]` m.
        max_speed: `[E,Q]` m/s.
        present: `[E,N]` bool; agents that are not present are seen by nobody.
        horizon: s for which avoidance of other agents must hold.
        dt: s; discs that overlap already must part within it.
        share: responsibility of the deciding agent, broadcastable to `[E,Q,N]`. It scales only how far the agent gives
            way: where there is slack, at least half of it may be used up. Neighbours with a share of 0 are ignored.
        neighbor_dist: m, farther agents are ignored.
        max_neighbors: only the nearest so many are heeded.
        walls: `[E,W,4]` m segments, or None. They are never traded against people.
        margin: m of clearance wanted beyond the sum of radii, broadcastable to `[E,Q,1]`.
        agents: `[E,Q]` indices of the deciding agents, or None for all.
        wall_horizon: s for which avoidance of walls must hold.

    Returns:
        `[E,Q,2]` m/s; meaningless for agents that are not present.
    """
    batch, count = present.shape
    me = torch.arange(count, device=present.device).expand(batch, count) if agents is None else agents
    rows = torch.arange(batch, device=present.device)[:, None]
    at, going, size = position[rows, me], velocity[rows, me], radius[rows, me]
    order, heeded = _nearest(at, position, me, present, neighbor_dist, max_neighbors)
    flat = (order + (rows * count)[..., None]).permute(2, 0, 1).flatten(1)
    known = torch.cat((position, velocity, radius[..., None]), dim=-1).flatten(0, 1).T
    x, y, vx, vy, sizes = known.index_select(1, flat.flatten()).view(5, *flat.shape).unbind(0)
    own_vx, own_vy = going.flatten(0, 1).unbind(-1)
    room = torch.as_tensor(margin, dtype=position.dtype, device=position.device).expand(batch, me.shape[1], 1)
    part = torch.as_tensor(share, dtype=position.dtype, device=position.device)
    if part.ndim:
        part = part.expand(batch, me.shape[1], count).gather(2, order).permute(2, 0, 1).flatten(1)
    planes = _agent_planes(
        x - at[..., 0].flatten(),
        y - at[..., 1].flatten(),
        own_vx,
        own_vy,
        vx,
        vy,
        sizes + (size + room[..., 0]).flatten(),
        part,
        heeded.permute(2, 0, 1).flatten(1),
        horizon,
        dt,
    )
    hard = 0
    if walls is not None and walls.shape[1]:
        solid = _wall_planes(at, size, walls, wall_horizon, dt)
        hard = solid.count
        planes = HalfPlanes(torch.cat((solid.data, planes.data)))
    wanted = preferred_velocity.flatten(0, 1)
    best = closest_velocity(planes, wanted[:, 0], wanted[:, 1], max_speed.flatten(), hard)
    return torch.stack(best, dim=-1).view(batch, me.shape[1], 2)


def _nearest(at: Tensor, position: Tensor, me: Tensor, present: Tensor, reach: float, most: int):
    """Indices `[E,Q,K]` of the nearest other agents, nearest first, and whether each is within reach."""
    gap = position[:, None] - at[:, :, None]
    square = gap[..., 0] * gap[..., 0] + gap[..., 1] * gap[..., 1]
    count = present.shape[1]
    other = present[:, None, :] & (me[..., None] != torch.arange(count, device=me.device))
    square = torch.where(other, square, torch.inf)
    near, order = square.topk(min(most, count - 1), dim=2, largest=False)
    return order, near < reach * reach


def _agent_planes(
    dx: Tensor,
    dy: Tensor,
    vx: Tensor,
    vy: Tensor,
    ox: Tensor,
    oy: Tensor,
    reach: Tensor,
    share: Tensor,
    heeded: Tensor,
    horizon: float,
    dt: float,
) -> HalfPlanes:
    """ORCA half-planes `[K,Q]` from relative positions, own and others' velocities and sums of radii.

    The velocity obstacle is a cone cut off by a disc (radius `reach / horizon` about `d / horizon`). `(nx, ny)` is its
    outward normal nearest to the relative velocity and `depth` how deep that lies inside (negative: outside).
    """
    rx, ry = vx - ox, vy - oy
    square, reach_square = dx * dx + dy * dy, reach * reach
    touching = square <= reach_square
    inverse = torch.where(touching, 1.0 / dt, 1.0 / horizon)
    wx, wy = rx - inverse * dx, ry - inverse * dy
    length = (wx * wx + wy * wy).sqrt()
    dot = wx * dx + wy * dy
    on_disc = touching | ((dot < 0) & (dot * dot > reach_square * length * length))

    leg = (square - reach_square).clamp(min=0.0).sqrt()
    side = torch.where(dx * wy - dy * wx > 0, 1.0, -1.0)
    along_x, along_y = side * dx * leg - dy * reach, dx * reach + side * dy * leg
    scale = 1.0 / square.clamp(min=TINY)
    disc = 1.0 / length.clamp(min=TINY)
    nx = torch.where(on_disc, wx * disc, -along_y * scale)
    ny = torch.where(on_disc, wy * disc, along_x * scale)
    depth = torch.where(on_disc, reach * inverse - length, -(rx * nx + ry * ny))

    taken = torch.where(depth > 0, share, share.clamp(min=0.5))
    offset = vx * nx + vy * ny + taken * depth
    active = heeded & (share > 0)
    return HalfPlanes.of(
        torch.where(active, nx, 0.0), torch.where(active, ny, 0.0), torch.where(active, offset, NEUTRAL)
    )


def _wall_planes(at: Tensor, size: Tensor, walls: Tensor, horizon: float, dt: float) -> HalfPlanes:
    """Half-planes `[W,Q]` that keep discs on their own side of the line through each wall's nearest point.

    A segment lies wholly behind that line, so `n . v >= -(distance - radius) / horizon` keeps clear of it for
    `horizon`; where the disc already overlaps the wall it must part within `dt`.
    """
    point = at.flatten(0, 1)
    ends = walls.unflatten(-1, (2, 2)).permute(1, 0, 2, 3)[:, :, None].expand(-1, -1, at.shape[1], -1, -1).flatten(1, 2)
    away = point - closest_on_segment(point, ends[..., 0, :], ends[..., 1, :])
    distance = (away[..., 0] * away[..., 0] + away[..., 1] * away[..., 1]).sqrt()
    unit = away / distance.clamp(min=TINY)[..., None]
    room = distance - size.reshape(-1)
    return HalfPlanes.of(unit[..., 0], unit[..., 1], torch.where(room >= 0, -room / horizon, -room / dt))
