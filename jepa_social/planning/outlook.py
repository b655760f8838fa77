"""From plans to what they are judged by."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.dynamics import Dynamics, People
from jepa_social.planning.imagined import Imagined, OnRequest
from jepa_social.scene import Scene
from jepa_social.worlds.route import Route


class Outlook:
    """Where the ego and the people would be, plan by plan, seen from one decision.

    What does not depend on the plan is read from the scene once.

    Args:
        dynamics: how people move.
        people: what `dynamics.prepare(scene)` gave.
        scene: the ego first; with a preferred speed.
        aim: m, the goal or the waypoint on the way to it.
        route: the ways to the goal round the walls; None: straight on.
    """

    def __init__(
        self,
        dynamics: Dynamics,
        people: People,
        scene: Scene,
        aim: Float[Tensor, "B 2"],
        route: Route | None = None,
    ):
        assert scene.goal is not None, "MPC.act refuses scenes without a goal"
        assert scene.speed is not None, "MPC.act refuses scenes without a preferred speed"
        self.dynamics, self.people, self.goal, self.aim, self.route = dynamics, people, scene.goal, aim, route
        self.here, self.velocity = scene.position[:, :1, None, -1], scene.velocity[:, 0, -1]
        self.radius, self.speed, self.dt, self.walls = scene.radius[:, 0], scene.speed, scene.dt, scene.walls
        self.reach = people.radius + self.radius[:, None]

    def __call__(self, actions: Float[Tensor, "B S H 2"]) -> Imagined:
        """What costs judge, for velocity commands in m/s."""
        start = self.here.expand(-1, actions.shape[1], -1, -1)
        moves = actions * self.dt.view(-1, 1, 1, 1)
        return Imagined(
            actions=actions,
            ego=torch.cat((start, start + moves.cumsum(2)), dim=2),
            people=self.dynamics.roll(self.people, actions, self.dt),
            people_velocity=self.people.velocity,
            exists=self.people.exists,
            reach=self.reach,
            radius=self.radius,
            velocity=self.velocity,
            goal=self.goal,
            aim=self.aim,
            speed=self.speed,
            dt=self.dt,
            walls=self.walls,
            route=self.route,
            on_request=on_request(self.dynamics, self.people, actions, self.dt),
        )


def on_request(dynamics: Dynamics, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> OnRequest:
    """What costs may ask of `dynamics` about a set of plans; the answers are kept."""
    horizon = actions.shape[2]
    return OnRequest(
        cache(lambda draws: dynamics.sample(people, actions, dt, draws)),
        cache(lambda: dynamics.absent(people, horizon, dt)),
        cache(lambda: dynamics.human(people, horizon, dt)),
    )
