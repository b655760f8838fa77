"""Annotation noise: how well people were tracked differs from place to place, and a last displacement shows it most."""

import math
from dataclasses import dataclass

import torch

from jepa_social.kinematics import backward_difference, motion_heading
from jepa_social.scene import Scene


@dataclass(frozen=True)
class Noise:
    """Jitters what the context encoder sees; what is to be predicted stays clean, as in denoising autoencoders.

    A scene is jittered with probability `share`, all its agents and frames with the same standard deviation, drawn
    log-uniformly from [low, high] m: some recordings are splines, others clicks. Velocities and headings follow from
    the jittered positions, so logged ones are lost.

    Raises:
        ValueError: `share` is no probability, or not 0 < low <= high.
    """

    share: float = 0.0
    low: float = 0.005
    high: float = 0.1

    def __post_init__(self):
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"noise.share is {self.share}: give a probability")
        if not 0.0 < self.low <= self.high:
            raise ValueError(f"noise.low={self.low} and noise.high={self.high} must be positive, in m, and ascending")

    def __call__(self, scene: Scene) -> Scene:
        """A jittered copy; the scene itself where `share` is 0."""
        if self.share == 0:
            return scene
        shape, device = (scene.position.shape[0], 1, 1, 1), scene.position.device
        std = self.low * (torch.rand(shape, device=device) * math.log(self.high / self.low)).exp()
        std = std * (torch.rand(shape, device=device) < self.share)
        new = scene.clone(False)
        new.position = (scene.position + std * torch.randn_like(scene.position)) * scene.present[..., None]
        new.velocity = backward_difference(new.position, new.present, new.dt)
        new.heading = motion_heading(new.velocity, new.present)
        return new
