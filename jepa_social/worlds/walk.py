"""How scripted people decide: where they want to go now, and the velocity that ORCA or social forces make of it."""

import torch
from torch import Tensor

from jepa_social.geometry import closest_on_segment
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.people import People, Population
from jepa_social.worlds.social_force import group_pull, social_force_velocity

BEYOND = 0.6
"""m behind an opening that people aim at while they cannot see their goal."""

EASE = 1.0
"""s: within speed * EASE of the goal people slow down in proportion (as in CrowdNav)."""


def wanted_velocity(people: People, position: Tensor, goal: Tensor, walls: Tensor | None) -> Tensor:
    """Preferred velocity `[E,N,2]` m/s: to `goal [E,N,2]`, by way of the gate if that is hidden."""
    aim = goal
    if walls is not None and bool(people.gate.isfinite().any()):
        centre, normal = people.gate[:, None, :2], people.gate[:, None, 2:]
        side = torch.sign(((goal - centre) * normal).sum(-1, keepdim=True))
        hidden = blocked(position, goal, walls, people.radius) & people.gate.isfinite().all(-1)[:, None]
        aim = torch.where(hidden[..., None], centre + BEYOND * side * normal, goal)
    to = aim - position
    distance = to.norm(dim=-1).clamp(min=1e-9)
    return to * torch.minimum(people.speed / distance, torch.full_like(distance, 1.0 / EASE))[..., None]


def blocked(start: Tensor, end: Tensor, walls: Tensor, radius: Tensor) -> Tensor:
    """Whether a disc of `radius [E,N]` cannot move straight from `start` to `end [E,N,2]`: `[E,N]` bool."""
    a, b = walls.unflatten(-1, (2, 2))[:, None].unbind(-2)
    p, q = start[:, :, None], end[:, :, None]

    def cross(u: Tensor, v: Tensor) -> Tensor:
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    crossing = (cross(q - p, a - p) * cross(q - p, b - p) < 0) & (cross(b - a, p - a) * cross(b - a, q - a) < 0)
    near = torch.minimum((closest_on_segment(a, p, q) - a).norm(dim=-1), (closest_on_segment(b, p, q) - b).norm(dim=-1))
    return (crossing | (near < radius[..., None])).any(-1)


def people_velocity(
    people: People,
    population: Population,
    position: Tensor,
    velocity: Tensor,
    wanted: Tensor,
    seen: Tensor,
    walls: Tensor | None,
    dt: float,
) -> Tensor:
    """Everybody's next velocity `[E,N,2]` m/s, decided at the same moment from the same state.

    Args:
        people: their traits.
        population: how far they look.
        position, velocity: `[E,N,2]`.
        wanted: `[E,N,2]` m/s, from `wanted_velocity`.
        seen: `[E,N]` bool, whom people notice (an invisible ego is not).
        walls: `[E,W,4]` or None.
        dt: s.
    """
    orca_driven = people.present & ~people.social_force
    new = torch.zeros_like(velocity)
    if bool(orca_driven.any()):
        pulled = wanted
        if bool((people.group >= 0).any()):
            me = torch.arange(position.shape[1], device=position.device).expand(position.shape[:2])
            pulled = wanted + 0.3 * group_pull(position, position, seen, people.group, me)
        new = orca_velocity(
            position,
            velocity,
            pulled,
            people.radius,
            people.speed,
            seen,
            population.horizon,
            dt,
            share=people.share[..., None],
            neighbor_dist=population.neighbor_dist,
            walls=walls,
            margin=people.margin[..., None],
        )
    if bool(people.social_force.any()):
        forced = social_force_velocity(
            position,
            velocity,
            wanted,
            people.radius,
            1.3 * people.speed,
            seen,
            dt,
            strength=4.2 * people.share[..., None],
            neighbor_dist=population.neighbor_dist,
            walls=walls,
            group=people.group,
            margin=people.margin[..., None],
        )
        new = torch.where(people.social_force[..., None], forced, new)
    return torch.where(people.present[..., None], new, 0.0)
