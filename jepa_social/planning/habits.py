"""An ego whose logs say little: one that always waits until the way is clear."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.history import localised
from jepa_social.scene import Scene
from jepa_social.worlds.ego import last_frame, own, own_limits, to_goal


class Patient:
    """Stands still while anybody is ahead of it, then goes straight to its goal."""

    name = "patient"

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s."""
        scene, _ = localised(scene)
        way, _ = own_limits(scene)
        present, position, _, ego = last_frame(scene)
        ahead = ((position - own(scene, scene.position)[:, None]) * way[:, None]).sum(-1) > 0
        ahead = ahead & present & (torch.arange(scene.agents, device=ego.device) != ego)
        return torch.where(ahead.any(1, keepdim=True), 0.0, to_goal(scene))
