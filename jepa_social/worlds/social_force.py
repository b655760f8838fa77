"""The social force model for E crowds of N people at once.

Helbing & Molnár, *Social force model for pedestrian dynamics*, Phys. Rev. E 51 (1995), eq. 2 (driving force) and eq. 13
(repulsion), in the exponential, anisotropic form of Helbing, Farkas & Vicsek, Nature 407 (2000) and Johansson, Helbing
& Shukla, Adv. Complex Syst. 10 (2007):

    dv_i/dt = (v0_i e_i - v_i) / tau  +  sum_j A exp((r_ij - d_ij) / B) n_ij w(phi_ij)  +  walls  +  group
    w(phi)  = lambda + (1 - lambda) (1 + cos phi) / 2

The group term is the attraction of Moussaïd et al., PLoS ONE 5 (2010), eq. 6: a constant pull to the centroid of the
group once the person is farther from it than the group is wide. Contact forces are left out: they need steps of
milliseconds.
"""

import torch
from torch import Tensor

from jepa_social.geometry import closest_on_segment

TINY = 1e-9


def social_force_velocity(
    position: Tensor,
    velocity: Tensor,
    preferred_velocity: Tensor,
    radius: Tensor,
    max_speed: Tensor,
    present: Tensor,
    dt: float,
    strength: Tensor | float = 2.1,
    range: Tensor | float = 0.3,
    relaxation: float = 0.5,
    anisotropy: float = 0.5,
    neighbor_dist: float = 10.0,
    walls: Tensor | None = None,
    wall_strength: float = 5.0,
    wall_range: float = 0.1,
    group: Tensor | None = None,
    cohesion: float = 1.0,
    margin: Tensor | float = 0.0,
    agents: Tensor | None = None,
) -> Tensor:
    """Next velocity of every agent, or only of `agents`, after one explicit Euler step of the forces.

    Q is the number of deciding agents: N, or the width of `agents`.

    Args:
        position, velocity: `[E,N,2]` m and m/s.
        preferred_velocity: `[E,Q,2]` m/s, `v0 e`.
        radius: `[E,N]` m.
        max_speed: `[E,Q]` m/s; the new velocity is cut to it.
        present: `[E,N]` bool; agents that are not present push nobody.
        dt: s.
        strength: A, m/s^2, broadcastable to `[E,Q,1]`.
        range: B, m, broadcastable to `[E,Q,1]`.
        relaxation: tau, s.
        anisotropy: lambda in [0, 1]: 1 minds what is behind as much as what is ahead.
        neighbor_dist: m, farther agents are ignored.
        walls: `[E,W,4]` m segments, or None.
        wall_strength, wall_range: A and B of walls.
        group: `[E,N]` group ids, -1 for none, or None.
        cohesion: m/s^2, pull to the group.
        margin: m added to the sum of radii, broadcastable to `[E,Q,1]`.
        agents: `[E,Q]` indices of the deciding agents, or None for all.

    Returns:
        `[E,Q,2]` m/s; meaningless for agents that are not present.
    """
    batch, count = present.shape
    me = torch.arange(count, device=present.device).expand(batch, count) if agents is None else agents
    rows = torch.arange(batch, device=present.device)[:, None]
    at, going, size = position[rows, me], velocity[rows, me], radius[rows, me]
    dx = at[..., None, 0] - position[:, None, :, 0]
    dy = at[..., None, 1] - position[:, None, :, 1]
    distance = (dx * dx + dy * dy).sqrt().clamp(min=TINY)
    other = present[:, None] & (me[..., None] != torch.arange(count, device=me.device)) & (distance < neighbor_dist)
    speed = _length(going).clamp(min=TINY)
    ahead = -(dx * going[..., None, 0] + dy * going[..., None, 1]) / (distance * speed[..., None])
    weight = anisotropy + (1.0 - anisotropy) * 0.5 * (1.0 + ahead)
    push = strength * torch.exp((size[..., None] + radius[:, None] + margin - distance) / range) * weight
    push = torch.where(other, push / distance, 0.0)
    force = torch.stack(((push * dx).sum(-1), (push * dy).sum(-1)), dim=-1)
    force = force + (preferred_velocity - going) / relaxation
    if walls is not None and walls.shape[1]:
        force = force + _wall_force(at, size, walls, wall_strength, wall_range)
    if group is not None:
        force = force + cohesion * group_pull(at, position, present, group, me)
    new = going + force * dt
    return new * (max_speed / _length(new).clamp(min=TINY)).clamp(max=1.0)[..., None]


def group_pull(at: Tensor, position: Tensor, present: Tensor, group: Tensor, me: Tensor) -> Tensor:
    """Unit pull `[E,Q,2]` to the centroid of one's group; 0 within (members - 1) / 2 m of it, or without a group."""
    mine = group.gather(1, me)
    member = (mine[..., None] == group[:, None]) & (mine >= 0)[..., None] & present[:, None]
    members = member.sum(-1)
    centre = (member.to(position.dtype) @ position) / members.clamp(min=1)[..., None]
    to = centre - at
    distance = _length(to)
    far = (members > 1) & (distance > 0.5 * (members - 1))
    return torch.where(far[..., None], to / distance.clamp(min=TINY)[..., None], 0.0)


def _wall_force(at: Tensor, size: Tensor, walls: Tensor, strength: float, reach: float) -> Tensor:
    ends = walls.unflatten(-1, (2, 2))[:, None]
    near = closest_on_segment(at[:, :, None], ends[..., 0, :], ends[..., 1, :])
    away = at[:, :, None] - near
    distance = _length(away).clamp(min=TINY)
    push = strength * torch.exp((size[..., None] - distance) / reach)
    return (away * (push / distance)[..., None]).sum(2)


def _length(vector: Tensor) -> Tensor:
    return (vector[..., 0] * vector[..., 0] + vector[..., 1] * vector[..., 1]).sqrt()
