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
CHUNK = 32768
"""Pairs worked on at once: as many as stay in a core's cache."""


def scenes_last(value: Tensor) -> Tensor:
    """`[E,...]` as `[...,E]` in memory: arrays of pairs then have long inner loops however few people there are."""
    return value.movedim(0, -1).contiguous()


def chosen(value: Tensor, agents: Tensor | slice | None) -> Tensor:
    """What of `value [N,E]` belongs to the deciding agents: `[Q,E]`."""
    if agents is None:
        return value
    return value[agents] if isinstance(agents, slice) else value.gather(0, agents.T)


def length(x: Tensor, y: Tensor) -> Tensor:
    """Of vectors, at least `TINY`."""
    return (x * x + y * y).sqrt_().clamp_(min=TINY)


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
    margin: Tensor | float = 0.0,
    agents: Tensor | slice | None = None,
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
        group: `[E,N]` group ids, -1 for none, or None; whoever is away from the own group is drawn to it with 1 m/s^2.
        margin: m added to the sum of radii, broadcastable to `[E,Q,1]`.
        agents: `[E,Q]` indices of the deciding agents, a slice of them, or None for all.

    Returns:
        `[E,Q,2]` m/s; meaningless for agents that are not present.
    """
    batch, count = present.shape
    known = scenes_last(torch.cat((position, velocity, radius[..., None]), dim=-1)).unbind(1)
    x, y, _, _, disc = known
    at_x, at_y, going_x, going_y, size = (chosen(value, agents) for value in known)
    deciders = len(size)

    def own(value: Tensor | float) -> Tensor | float:
        return scenes_last(value.expand(batch, deciders, 1)[..., 0]) if isinstance(value, Tensor) else value

    back = -0.5 * (1.0 - anisotropy) / length(going_x, going_y)
    others = (x, y, disc.masked_fill(~present.T, -torch.inf))
    deciding = (
        at_x,
        at_y,
        back * going_x,
        back * going_y,
        size + own(margin),
        1.0 / own(range) + torch.zeros_like(size),
    )
    chunk = max(1, CHUNK // (count * batch))
    parts = zip(*(value.split(chunk) for value in deciding), strict=True)
    front = 0.5 * (1.0 + anisotropy)
    pushes = [_push(*part, *others, front, neighbor_dist) for part in parts]  # pyright: ignore[reportCallIssue]
    push_x, push_y = (part[0] if len(part) == 1 else torch.cat(part) for part in zip(*pushes, strict=True))
    scale, (wanted_x, wanted_y) = own(strength), scenes_last(preferred_velocity).unbind(1)
    force_x = scale * push_x + (wanted_x - going_x) / relaxation
    force_y = scale * push_y + (wanted_y - going_y) / relaxation
    if group is not None or (walls is not None and walls.shape[1]):
        at = torch.stack((at_x, at_y)).permute(2, 1, 0).contiguous()
        more = torch.zeros_like(at)
        if walls is not None and walls.shape[1]:
            more = _wall_force(at, size.T, walls, wall_strength, wall_range)
        if group is not None:
            everyone = torch.arange(count, device=present.device).expand(batch, count)
            me = agents if isinstance(agents, Tensor) else everyone[:, agents or slice(None)]
            more = more + group_pull(at, position, present, group, me)
        more_x, more_y = scenes_last(more).unbind(1)
        force_x, force_y = force_x + more_x, force_y + more_y
    new_x, new_y = going_x + dt * force_x, going_y + dt * force_y
    cut = (max_speed.T / length(new_x, new_y)).clamp(max=1.0)
    return torch.stack((new_x * cut, new_y * cut)).permute(2, 1, 0).contiguous()


def _push(x, y, back_x, back_y, size, decay, others_x, others_y, others_size, mean, reach):
    """Sum of the pushes of everybody `[N,E]` on some people `[q,E]` for a strength of 1, `(x, y)` of `[q,E]`.

    In place where it can be: what bounds the speed is how much memory is touched.
    """
    dx, dy = x - others_x[:, None], y - others_y[:, None]  # of oneself 0: nobody pushes oneself
    nearness, push = dx * dx, dy * dy
    inverse = nearness.add_(push).clamp_(min=TINY * TINY).rsqrt()
    nearness.mul_(inverse).neg_()  # minus the distance
    torch.nn.functional.threshold(nearness, -reach, -torch.inf, inplace=True)
    torch.add(size, others_size[:, None], out=push)
    push.add_(nearness).mul_(decay).exp_().mul_(inverse)
    weight = torch.mul(dx, back_x, out=nearness).add_(dy * back_y).mul_(inverse).add_(mean)
    push.mul_(weight)
    return dx.mul_(push).sum(0), dy.mul_(push).sum(0)


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
