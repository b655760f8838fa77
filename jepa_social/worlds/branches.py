"""Branches: one moment of a crowd continued under several plans of the ego, everything else being equal.

A log says what people did, not what they would have done had the ego stopped. A simulator can be asked: the same state
and the same people go on under each plan, so the difference between two branches is what the plan did to them and
nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jepa_social.geometry import rotate
from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.ego import to_goal


@dataclass(frozen=True)
class Plan:
    """What the ego does from a moment on: one velocity, kept.

    Attributes:
        name: of the plan.
        turn: rad to the left of the way to the goal.
        pace: share of the ego's preferred speed.
        absent: the ego is gone: nobody sees it from that moment on, and no log has it.
    """

    name: str
    turn: float = 0.0
    pace: float = 1.0
    absent: bool = False

    def commands(self, scene: Scene, steps: int) -> Tensor:
        """Velocities `[E,steps,2]` m/s, world frame, from the last frame of `scene` on; 0 for an absent ego."""
        assert scene.speed is not None, "a crowd's scene tells the ego's speed"
        way = torch.nn.functional.normalize(to_goal(scene), dim=-1)
        speed = 0.0 if self.absent else self.pace * scene.speed[:, None]
        return (rotate(way, way.new_tensor(self.turn)) * speed)[:, None].expand(-1, steps, -1)


PLANS = (
    Plan("go on"),
    Plan("stop", pace=0.0),
    Plan("swerve left", turn=0.8),
    Plan("swerve right", turn=-0.8),
    Plan("absent", absent=True),
)


EVERY = 4
"""Frames between two moments that may be drawn: few different ones, so that many scenes are branched at once."""


@dataclass(frozen=True)
class Branching:
    """Which moments of an episode are branched, and how long its branches are.

    Attributes:
        moments: of each episode, drawn by its seed among those `within`.
        before: frames of history that each branch is logged with, the moment included.
        after: frames that follow.
        within: s from the episode's start.
        plans: a branch each.

    Raises:
        ValueError: a count below 1, or not as many moments to draw from.
    """

    moments: int = 2
    before: int = 8
    after: int = 12
    within: float = 8.0
    plans: Sequence[Plan] = PLANS

    def __post_init__(self) -> None:
        if min(self.moments, self.before, self.after, len(self.plans)) < 1:
            raise ValueError("data.source.branching needs moments, before, after >= 1 and at least one plan")

    def draw(self, seed: int, dt: float) -> list[int]:
        """Frames at which the episode of `seed` is branched, ascending; the first ever has `before` frames behind it.

        Raises:
            ValueError: there are not so many frames `within`.
        """
        first, last = self.before - 1, int(self.within / dt + 1e-6)
        choice = range(first, last + 1, EVERY)
        if len(choice) < self.moments:
            raise ValueError(
                f"data.source.branching: {self.within} s hold {len(choice)} moments {EVERY} frames apart with "
                f"{self.before} frames of history at dt={dt} s, not {self.moments}: raise `within`, or lower `moments`"
            )
        chance = np.random.default_rng((seed, 2))
        return sorted(chance.choice(choice, self.moments, replace=False).tolist())


def branch_out(
    world: Crowd, plans: Sequence[Plan], before: int, after: int, scenes: Sequence[int] | None = None
) -> list[Scene]:
    """Continue the present moment of `scenes` (None: all) under each plan; `world` is left as it is.

    Returns:
        One batch of scenes a plan, `before` frames up to the moment and `after` frames that follow. An absent ego is
        not present from the moment on.
    """
    fan = world.branch(len(plans), scenes)
    now = fan.scene(1)
    absent = torch.tensor([plan.absent for plan in plans], device=fan.device).repeat(len(now.ego) // len(plans))
    fan.hide_ego(absent)
    commands = torch.stack([plan.commands(now, after)[k :: len(plans)] for k, plan in enumerate(plans)], dim=1)
    commands = commands.flatten(0, 1)
    for step in range(after):
        fan.step(commands[:, step])
    run = fan.scene(before + after)
    run.present[:, 0, before - 1 :] &= ~absent[:, None]
    return [run[k :: len(plans)] for k in range(len(plans))]
