"""Egos whose logs others read: one that always takes the same course round everybody, one that strolls about."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import rotate, shortened
from jepa_social.scene import Scene
from jepa_social.worlds.ego import own, own_limits, within_limits


class Roundabout:
    """Goes aside first, then along the way to its goal at that distance, then back: nobody has to mind it.

    Args:
        aside: m to the left of the straight way.
    """

    name = "roundabout"

    def __init__(self, aside: float = 3.0):
        self.aside = aside
        self.reset()

    def reset(self) -> None:
        """Another way begins."""
        self.start: Tensor | None = None

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s."""
        to, speed = own_limits(scene)
        here = own(scene, scene.position)
        if self.start is None:
            self.start = here
        way = torch.nn.functional.normalize(here + to - self.start, dim=-1)
        left = rotate(way, way.new_tensor(torch.pi / 2))
        off, far = ((here - self.start) * left).sum(-1), (to * way).sum(-1)
        along = torch.where((off > 0.9 * self.aside)[:, None], way, left)
        return within_limits(torch.where((far > 0.3)[:, None], along * speed[:, None], to / scene.dt[:, None]), scene)


class Stroll:
    """Walks about, its course drawn from torch's global generator: it has no goal in mind.

    Args:
        turn: rad, standard deviation of a turn in one second.
    """

    name = "stroll"

    def __init__(self, turn: float = 0.8):
        self.turn = turn
        self.reset()

    def reset(self) -> None:
        """Another stroll begins, towards the goal at first."""
        self.course: Tensor | None = None

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s."""
        to, speed = own_limits(scene)
        if self.course is None:
            self.course = torch.atan2(to[:, 1], to[:, 0])
        self.course = self.course + self.turn * scene.dt.sqrt() * torch.randn(len(to)).to(to)
        return shortened(torch.stack((self.course.cos(), self.course.sin()), dim=-1) * 1e3, speed)
