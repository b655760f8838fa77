"""Behaviour cloning as a policy: the prior's plan, unsearched."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.history import looked_at
from jepa_social.planning.dynamics import Imagination
from jepa_social.planning.plans import axes_toward
from jepa_social.planning.prior import Prior
from jepa_social.scene import Scene
from jepa_social.worlds.ego import within_limits
from jepa_social.worlds.route import waypoint


class Cloned:
    """Does what the prior expects a person to do in the ego's place: the first command of its mean plan.

    Args:
        prior: cloned on the latents of `imagination`.
        imagination: encodes what was seen.
        seen: people whom the encoder may look at, the nearest ones.
    """

    name = "behaviour cloning"

    def __init__(self, prior: Prior, imagination: Imagination, seen: int = 24):
        self.prior, self.imagination, self.seen = prior, imagination, seen

    def reset(self) -> None:
        """Nothing is remembered."""

    @torch.inference_mode()
    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame.

        Raises:
            ValueError: the scene has no ego, no goal or no speed.
        """
        speed = scene.speed
        if bool((scene.ego < 0).any()) or scene.goal is None or speed is None:
            raise ValueError("a cloned policy needs scene.ego, scene.goal and scene.speed: give Scene.from_arrays all")
        near = looked_at(scene, self.imagination.dt, 1 + self.seen)
        people = self.imagination.prepare(near, self.seen)
        assert people.anchor is not None
        here, goal = near.position[:, 0, -1], near.goal
        assert goal is not None
        aim = waypoint(here, goal, near.walls, near.radius[:, 0])
        plan, _ = self.prior(people.anchor, aim, speed)
        actions = self.prior.plans.actions(plan[:, None], axes_toward(here, aim), speed)
        return within_limits(actions[:, 0, 0], scene)
