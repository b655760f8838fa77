"""Baselines that react to the present frame: straight line, social force, ORCA, and the recorded human.

Each is a policy: `name`, `reset()` before an episode, `act(scene) -> velocity [B,2]` m/s in the world frame. They read
the last frame only, keep to the ego's own speed, and stop on the goal: they never overshoot it within one step.
"""

from typing import Protocol

from torch import Tensor

from jepa_social.history import localised
from jepa_social.scene import Scene
from jepa_social.worlds.ego import common_step, last_frame, own_limits, to_goal, within_limits
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.social_force import social_force_velocity

SKIN = 0.01
"""m that ORCA adds to every disc, as CrowdNav does, so that rounding makes no collisions of touching discs."""


class StraightLine:
    """Heads for the goal as if alone."""

    name = "straight line"

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Tensor:
        """Velocity `[B,2]` m/s."""
        return to_goal(localised(scene)[0])


class SocialForce:
    """One isotropic social-force step (see `jepa_social.worlds.social_force`).

    Args:
        strength: A, m/s^2.
        range: B, m.
    """

    def __init__(self, strength: float = 2.1, range: float = 0.3):
        self.strength, self.range = strength, range
        self.name = f"social force A {strength:.3g} B {range:.3g}"

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Tensor:
        """Velocity `[B,2]` m/s."""
        scene, _ = localised(scene)
        wanted = to_goal(scene)
        present, position, velocity, ego = last_frame(scene)
        _, speed = own_limits(scene)
        force = social_force_velocity(
            position, velocity, wanted[:, None], scene.radius, speed[:, None], present, common_step(scene),
            strength=self.strength, range=self.range, anisotropy=1.0, walls=scene.walls, agents=ego,
        )  # fmt: skip
        return within_limits(force[:, 0], scene)


class Orca:
    """ORCA (see `jepa_social.worlds.orca`).

    Args:
        margin: m added to every disc, the ego's and others' (CrowdNav's `safety_space`).
        horizon: s.
    """

    def __init__(self, margin: float = 0.0, horizon: float = 5.0):
        self.margin, self.horizon = margin, horizon
        self.name = f"ORCA margin {margin:g}"

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Tensor:
        """Velocity `[B,2]` m/s."""
        scene, _ = localised(scene)
        wanted = to_goal(scene)
        present, position, velocity, ego = last_frame(scene)
        _, speed = own_limits(scene)
        free = orca_velocity(
            position, velocity, wanted[:, None], scene.radius, speed[:, None], present, self.horizon,
            common_step(scene), walls=scene.walls, margin=2 * (self.margin + SKIN), agents=ego,
        )  # fmt: skip
        return within_limits(free[:, 0], scene)


class Recorded(Protocol):
    """A world that knows what the person did whom the ego replaces (see `worlds.replay.Replay`)."""

    def human_velocity(self) -> Tensor:
        """What they do in the coming step, `[E,2]` m/s."""
        ...


class RecordedHuman:
    """Walks as the recorded person walked whom the ego replaces: the reference of every replay table.

    Args:
        world: the replay whose episode is running; its next step is what the human did next.
    """

    name = "recorded human"

    def __init__(self, world: Recorded):
        self.world = world

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Tensor:
        """Velocity `[B,2]` m/s of the recorded person in the coming step; 0 once the record ends."""
        return self.world.human_velocity().to(scene.position)
