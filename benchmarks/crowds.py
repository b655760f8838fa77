"""Our crowds to be timed: the bare velocity functions, and whole steps of a world."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import CircleCrossing, SquareCrossing
from jepa_social.worlds.social_force import social_force_velocity

FIRST_SEED = 2_000_000
WARM = 8
"""Frames run before anything is timed, so that people are on their way and a scene's window is full."""


@dataclass(frozen=True)
class Start:
    """Where the people of E scenes stand and want to go, `[E,N,2]` m: the same for every simulator."""

    position: Tensor
    goal: Tensor


def world(scenes: int, agents: int, social_force: bool) -> Crowd:
    """A visible ego and `agents - 1` people: up to 10 agents on CrowdNav's circle, more on a square, one to 8 m2."""
    scenario = CircleCrossing() if agents <= 10 else SquareCrossing(side=math.sqrt(8.0 * agents))
    crowd = Crowd(scenario, agents - 1, Population(social_force=float(social_force)), visible=True)
    crowd.reset(range(FIRST_SEED, FIRST_SEED + scenes))
    return crowd


def start(scenes: int, agents: int) -> Start:
    """The first frame of `world`."""
    scene = world(scenes, agents, True).scene()
    assert scene.truth is not None
    return Start(scene.position[:, :, -1].double(), scene.truth["goal"].double())


def world_case(scenes: int, agents: int, steps: int, social_force: bool) -> Callable[[], object]:
    """`steps` steps of a world, always from the same moment; the ego walks straight on."""
    crowd = world(scenes, agents, social_force)
    scene = crowd.scene()
    assert scene.goal is not None
    ahead = torch.nn.functional.normalize(scene.goal - scene.position[:, 0, -1], dim=-1)
    for _ in range(WARM):
        crowd.step(ahead)

    def run() -> None:
        branch = crowd.branch()
        for _ in range(steps):
            branch.step(ahead)

    return run


def velocity_case(scenes: int, agents: int, social_force: bool) -> Callable[[], object]:
    """One call of the velocity function for everybody, in float64 as in a world, with people on their way."""
    crowd = world(scenes, agents, social_force)
    for _ in range(WARM):
        crowd.step(torch.zeros(scenes, 2))
    scene = crowd.scene()
    assert scene.truth is not None
    position, velocity = scene.position[:, :, -1].double(), scene.velocity[:, :, -1].double()
    wanted = torch.nn.functional.normalize(scene.truth["goal"].double() - position, dim=-1)
    speed = torch.ones(scenes, agents, dtype=torch.float64)
    radius, present = scene.radius.double(), speed > 0

    def forces() -> Tensor:
        return social_force_velocity(position, velocity, wanted, radius, 1.3 * speed, present, crowd.dt)

    def avoidance() -> Tensor:
        return orca_velocity(position, velocity, wanted, radius, speed, present, 5.0, crowd.dt)

    return forces if social_force else avoidance
