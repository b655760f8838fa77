"""Augmentations of logged scenes. Rotations need none: the model is invariant to them."""

from dataclasses import dataclass

import torch

from jepa_social.scene import Scene


@dataclass(frozen=True)
class Augment:
    """Random changes that leave a plausible log.

    Attributes:
        scale: each scene is scaled by a factor drawn log-uniformly from [1/(1+scale), 1+scale]: people walk at other
            speeds elsewhere (the ETH recording runs 1.6 times as fast as its neighbours).
        mirror: probability of a reflection.

    Only what logs hold is changed: poses, velocities and walls.
    """

    scale: float = 0.0
    mirror: float = 0.0

    def __call__(self, scene: Scene) -> Scene:
        """A changed copy."""
        batch = scene.position.shape[0]
        new = scene.clone(False)
        if self.scale > 0:
            spread = torch.log1p(torch.tensor(self.scale))
            factor = (spread * (2 * torch.rand(batch, device=scene.position.device) - 1)).exp().view(-1, 1, 1, 1)
            new.position, new.velocity = scene.position * factor, scene.velocity * factor
            if scene.walls is not None:
                new.walls = scene.walls * factor[..., 0]
        if self.mirror > 0:
            flip = torch.where(torch.rand(batch, device=scene.position.device) < self.mirror, -1.0, 1.0)
            sign = torch.stack((torch.ones_like(flip), flip), dim=-1).view(-1, 1, 1, 2)
            new.position, new.velocity = new.position * sign, new.velocity * sign
            new.heading = new.heading * flip.view(-1, 1, 1)
            if new.walls is not None:
                new.walls = new.walls * sign.repeat(1, 1, 1, 2)[:, 0]
        return new
