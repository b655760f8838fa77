"""How scripted people decide: where they want to go now, and the velocity that ORCA or social forces make of it."""

import torch
from torch import Tensor

from jepa_social.geometry import closest_on_segment, rotate, segments_cross
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.people import Everyone, Population
from jepa_social.worlds.route import waypoint
from jepa_social.worlds.sides import turn_aside
from jepa_social.worlds.social_force import group_pull, length, social_force_velocity

BEYOND = 0.6
"""m behind an opening that people aim at while they cannot see their goal."""

EASE = 1.0
"""s: within speed * EASE of the goal people slow down in proportion (as in CrowdNav)."""

COHESION = 0.3
"""m/s by which the preferred velocity of ORCA people is drawn to their group."""

STRENGTH = 2.1
"""m/s^2, repulsion A of social-force people who yield half (`share` 0.5); it grows in proportion."""

HURRY = 1.3
"""Greatest over preferred speed of social-force people (Helbing & Molnár 1995)."""


def wanted_velocity(people: Everyone, position: Tensor, goal: Tensor, walls: Tensor | None) -> Tensor:
    """Preferred velocity `[E,N,2]` m/s: to `goal [E,N,2]`, by way of the gate or round the walls if that is hidden."""
    aim = goal
    if walls is not None and bool(people.gate.isfinite().any()):
        centre, normal = people.gate[:, None, :2], people.gate[:, None, 2:]
        side = torch.sign(((goal - centre) * normal).sum(-1, keepdim=True))
        hidden = blocked(position, goal, walls, people.radius) & people.gate.isfinite().all(-1)[:, None]
        aim = torch.where(hidden[..., None], centre + BEYOND * side * normal, goal)
    if walls is not None and bool(people.detours.any()):
        who = blocked(position, goal, walls, people.radius) & people.detours[:, None] & people.present
        if bool(who.any()):
            scene = who.nonzero()[:, 0]
            aim = aim.clone()
            aim[who] = waypoint(position[who], goal[who], walls[scene], people.radius[who])
    to = aim - position
    distance = length(*to.unbind(-1))
    return to * (people.speed / distance).clamp(max=1.0 / EASE)[..., None]


def blocked(start: Tensor, end: Tensor, walls: Tensor, radius: Tensor) -> Tensor:
    """Whether a disc of `radius [E,N]` cannot move straight from `start` to `end [E,N,2]`: `[E,N]` bool."""
    a, b = walls.unflatten(-1, (2, 2))[:, None].unbind(-2)
    p, q = start[:, :, None], end[:, :, None]
    near = torch.minimum((closest_on_segment(a, p, q) - a).norm(dim=-1), (closest_on_segment(b, p, q) - b).norm(dim=-1))
    return (segments_cross(p, q, a, b) | (near < radius[..., None])).any(-1)


def people_velocity(
    people: Everyone,
    population: Population,
    position: Tensor,
    velocity: Tensor,
    wanted: Tensor,
    seen: Tensor,
    walls: Tensor | None,
    dt: float,
) -> Tensor:
    """Next velocity `[E,N-1,2]` m/s of all but the ego (agent 0), decided at the same moment from the same state.

    Args:
        people: their traits.
        population: how far they look.
        position, velocity: `[E,N,2]`.
        wanted: `[E,N,2]` m/s, from `wanted_velocity`.
        seen: `[E,N]` bool, whom people notice (an invisible ego is not).
        walls: `[E,W,4]` or None.
        dt: s.
    """
    if people.sided:
        turn = turn_aside(position, velocity, people.side, seen)
        wanted = rotate(wanted, turn)
        velocity = rotate(velocity, turn)  # avoidance takes the side on which one goes: that which is meant counts
    count = position.shape[1]
    everybody_else = slice(1, None)
    forced = people.social_force[:, 1:]
    share, margin, speed = people.share[:, 1:, None], people.margin[:, 1:, None], people.speed[:, 1:]
    crowd = (position, velocity)
    new = velocity[:, 1:]
    by_orca, by_forces = people.driven
    if by_orca:
        pulled = wanted[:, 1:]
        if people.grouped:
            me = torch.arange(1, count, device=position.device).expand(len(position), count - 1)
            pulled = pulled + COHESION * group_pull(position[:, 1:], position, seen, people.group, me)
        new = orca_velocity(
            *crowd,
            pulled,
            people.radius,
            speed,
            seen,
            population.horizon,
            dt,
            share=share,
            neighbor_dist=population.neighbor_dist,
            walls=walls,
            margin=margin,
            agents=everybody_else,
        )
    if by_forces:
        pushed = social_force_velocity(
            *crowd,
            wanted[:, 1:],
            people.radius,
            HURRY * speed,
            seen,
            dt,
            strength=2 * STRENGTH * share,
            neighbor_dist=population.neighbor_dist,
            walls=walls,
            group=people.group if people.grouped else None,
            margin=margin,
            agents=everybody_else,
        )
        new = torch.where(forced[..., None], pushed, new) if by_orca else pushed
    return torch.where(people.present[:, 1:, None], new, 0.0) if people.padded else new
