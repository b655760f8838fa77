"""Masking: what of a scene the context encoder may not see, so that it must be told by the rest."""

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_social.geometry import hold_last
from jepa_social.kinematics import moving
from jepa_social.scene import Scene


@dataclass(frozen=True)
class Masking:
    """Makes a masked context scene out of a full one. The future is always hidden: the encoder is causal.

    Attributes:
        agents: share of agents hidden whole; one that is there at the anchor always stays visible.
        time: each scene drops frames of all agents, one by one, at a rate drawn uniformly from [0, time].
        keep: an agent's last so many frames up to the anchor are never dropped (but may be hidden with the agent), so
            that who is predicted was seen and, with 2, its velocity is known. Where a window has several anchors this
            is the last of them; who is hidden at an earlier one is not predicted from there.

    I-JEPA (Assran et al. 2023) hides blocks of an image; Traj-MAE (Chen et al. 2023) agents and frames of trajectories.

    Raises:
        ValueError: a share is not within [0, 1), or `keep` is less than 1.
    """

    agents: float = 0.0
    time: float = 0.0
    keep: int = 2

    def __post_init__(self):
        for name in ("agents", "time"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"masking.{name} is {getattr(self, name)}: give a share from 0 to less than 1")
        if self.keep < 1:
            raise ValueError(f"masking.keep is {self.keep}: nobody could be predicted; give 1 or more")

    @property
    def hides(self) -> bool:
        """Whether anything but the future is hidden."""
        return self.agents > 0 or self.time > 0

    def __call__(self, scene: Scene, now: int) -> Scene:
        """What is left of `scene`, `now` being the last frame that anything is predicted from; a copy."""
        return without(scene, self.draw(scene, now)) if self.hides else scene

    def draw(self, scene: Scene, now: int) -> Tensor:
        """What to hide, `[B,N,T]` bool: agents in all frames, or single frames."""
        batch, agents, frames = scene.present.shape
        device = scene.position.device
        hidden = torch.zeros_like(scene.present)
        if self.time > 0:
            rate = self.time * torch.rand(batch, 1, 1, device=device)
            seen = scene.present[..., : now + 1]
            later = seen.flip(-1).cumsum(-1).flip(-1)  # frames from here to the anchor, this one included
            hidden = torch.rand(batch, agents, frames, device=device) < rate
            hidden[..., : now + 1] &= later > self.keep
        if self.agents > 0:
            chance = torch.rand(batch, agents, device=device)
            whole = chance < self.agents
            last = chance.masked_fill(~scene.present[..., now], -1.0).argmax(1, keepdim=True)
            hidden |= whole.scatter(1, last, False)[..., None]
        return hidden


def without(scene: Scene, hidden: Tensor) -> Scene:
    """`scene` as if `hidden [B,N,T]` had not been observed.

    A velocity needs the frame before (0 where that is hidden), a heading is that of the last motion still seen: as
    `Scene.from_arrays` makes them of what is left, but logged values stay where nothing was hidden.
    """
    new = scene.clone(False)
    new.present = scene.present & ~hidden
    before = torch.cat((torch.zeros_like(hidden[..., :1]), hidden[..., :-1]), dim=-1)
    new.position = scene.position * new.present[..., None]
    new.velocity = scene.velocity * (new.present & ~before)[..., None]
    touched = hidden.cummax(-1).values
    held = hold_last(scene.heading, moving(new.velocity, new.present) | (~touched & scene.present), dim=-1)[0]
    new.heading = torch.where(touched, held, scene.heading) * new.present
    return new
