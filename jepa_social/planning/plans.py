"""From plans to what they are judged by."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.dynamics import Dynamics, People
from jepa_social.planning.imagined import Imagined, OnRequest
from jepa_social.scene import Scene


def imagine_plans(
    dynamics: Dynamics, people: People, scene: Scene, aim: Float[Tensor, "B 2"], actions: Float[Tensor, "B S H 2"]
) -> Imagined:
    """Where the ego and the people would be under each plan.

    Args:
        dynamics: how people move.
        people: what `dynamics.prepare(scene)` gave.
        scene: the ego first; with a preferred speed.
        aim: m, the goal or the waypoint on the way to it.
        actions: velocity commands, m/s.
    """
    assert scene.speed is not None, "MPC.act refuses scenes without a preferred speed"
    radius = scene.radius[:, 0]
    start = scene.position[:, :1, None, -1].expand(-1, actions.shape[1], -1, -1)
    moves = actions * scene.dt.view(-1, 1, 1, 1)
    return Imagined(
        actions=actions,
        ego=torch.cat((start, start + moves.cumsum(2)), dim=2),
        people=dynamics.roll(people, actions, scene.dt),
        people_velocity=people.velocity,
        exists=people.exists,
        reach=people.radius + radius[:, None],
        radius=radius,
        velocity=scene.velocity[:, 0, -1],
        goal=aim,
        speed=scene.speed,
        dt=scene.dt,
        walls=scene.walls,
        on_request=on_request(dynamics, people, actions, scene.dt),
    )


def on_request(dynamics: Dynamics, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> OnRequest:
    """What costs may ask of `dynamics` about a set of plans; the answers are kept."""
    horizon = actions.shape[2]
    return OnRequest(
        cache(lambda draws: dynamics.sample(people, actions, dt, draws)),
        cache(lambda: dynamics.absent(people, horizon, dt)),
        cache(lambda: dynamics.human(people, horizon, dt)),
    )
