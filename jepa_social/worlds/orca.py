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
from jepa_social.worlds.social_force import CHUNK, chosen, scenes_last

TINY = 1e-9
NEUTRAL = -1.0e4
"""Offset of a constraint that always holds."""
MOST = 10
"""Only so many of the nearest neighbours are heeded (as in CrowdNav)."""
WALL_HORIZON = 1.0
"""s for which avoidance of walls must hold."""


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
    walls: Tensor | None = None,
    margin: Tensor | float = 0.0,
    agents: Tensor | slice | None = None,
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
        walls: `[E,W,4]` m segments, or None. They are never traded against people.
        margin: m of clearance wanted beyond the sum of radii, broadcastable to `[E,Q,1]`.
        agents: `[E,Q]` indices of the deciding agents, a slice of them, or None for all.

    Returns:
        `[E,Q,2]` m/s; meaningless for agents that are not present.
    """
    batch = len(present)
    known = scenes_last(torch.cat((position, velocity, radius[..., None]), dim=-1))
    x, y, own_vx, own_vy, size = (chosen(value, agents) for value in known.unbind(1))
    order, heeded = _nearest(x, y, known, present, agents, neighbor_dist)
    rows = torch.arange(batch, device=present.device)
    near = known.permute(1, 0, 2).flatten(1).index_select(1, (order * batch + rows).flatten()).view(5, *order.shape)
    near_x, near_y, vx, vy, sizes = near.unbind(0)
    part = torch.as_tensor(share, dtype=x.dtype, device=x.device)
    if part.ndim:
        part = part.expand(batch, len(size), -1).permute(2, 1, 0)
        part = part if len(part) == 1 else part.gather(0, order)
    if isinstance(margin, Tensor):
        margin = margin.expand(batch, len(size), 1)[..., 0].T
    reach = sizes + (size + margin)
    planes = _agent_planes(near_x - x, near_y - y, own_vx, own_vy, vx, vy, reach, part, heeded, horizon, dt)
    hard = 0
    if walls is not None and walls.shape[1]:
        solid = _wall_planes(torch.stack((x, y), dim=-1).flatten(0, 1), size.flatten(), walls, dt)
        hard = solid.count
        planes = HalfPlanes(torch.cat((solid.data, planes.data)))
    wanted = scenes_last(preferred_velocity)
    best = closest_velocity(planes, wanted[:, 0].flatten(), wanted[:, 1].flatten(), max_speed.T.flatten(), hard)
    return torch.stack(best, dim=-1).view(-1, batch, 2).transpose(0, 1).contiguous()


def _nearest(x: Tensor, y: Tensor, known: Tensor, present: Tensor, agents: Tensor | slice | None, reach: float):
    """Indices `[K,Q,E]` of the nearest other agents, nearest first, and whether each is within reach."""
    count, batch = len(known), len(present)
    everyone = torch.arange(count, device=present.device)[:, None].expand(count, batch)
    chunk, absent = max(1, CHUNK // (count * batch)), ~present.T[:, None]
    found = []
    for at_x, at_y, me in zip(x.split(chunk), y.split(chunk), chosen(everyone, agents).split(chunk), strict=True):
        dx, dy = known[:, 0, None] - at_x, known[:, 1, None] - at_y
        square = dx.mul_(dx).add_(dy.mul_(dy)).masked_fill_(absent, torch.inf).scatter_(0, me[None], torch.inf)
        found.append(square.topk(min(MOST, count - 1), dim=0, largest=False))
    near, order = (torch.cat(part, dim=1) for part in zip(*found, strict=True))
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
    """ORCA half-planes of `[K,Q,E]` from relative positions, own and others' velocities and sums of radii.

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
    planes = (torch.where(active, nx, 0.0), torch.where(active, ny, 0.0), torch.where(active, offset, NEUTRAL))
    return HalfPlanes(torch.stack(planes, dim=1).flatten(2))


def _wall_planes(point: Tensor, size: Tensor, walls: Tensor, dt: float) -> HalfPlanes:
    """Half-planes `[W,QE]` that keep discs at `point [QE,2]` on their own side of the walls' nearest points.

    A segment lies wholly behind that line, so `n . v >= -(distance - radius) / WALL_HORIZON` keeps clear of it for
    that long; where the disc already overlaps the wall it must part within `dt`.
    """
    ends = walls.unflatten(-1, (2, 2)).transpose(0, 1).repeat(1, len(point) // len(walls), 1, 1)
    away = point - closest_on_segment(point, ends[..., 0, :], ends[..., 1, :])
    distance = (away[..., 0] * away[..., 0] + away[..., 1] * away[..., 1]).sqrt()
    unit = away / distance.clamp(min=TINY)[..., None]
    room = distance - size
    return HalfPlanes.of(unit[..., 0], unit[..., 1], torch.where(room >= 0, -room / WALL_HORIZON, -room / dt))
