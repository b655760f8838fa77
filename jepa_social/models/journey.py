"""Journeys: how an imagined latent's frame lies to the frame that it is imagined from.

A latent tells of an agent in that agent's own frame of reference at that moment. To imagine it is therefore not enough:
where the frame has got to must be imagined too. It is told in the anchor's frame and beyond constant velocity, so that
it is small, invariant to rigid motions, and zero for who walks on as before.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.models.latents import Anchor
from jepa_social.models.poses import facing, local

JOURNEY = 2
"""Numbers (m: ahead, to the left) that follow the D of an imagined latent."""


def coasting(anchor: Anchor, horizon: int) -> Float[Tensor, "B N H 2"]:
    """Positions (m) of everybody who keeps the anchor's velocity."""
    lag = torch.arange(1, horizon + 1, device=anchor.dt.device) * anchor.dt[:, None]
    return anchor.position[:, :, None] + anchor.velocity[:, :, None] * lag[:, None, :, None]


def journey(anchor: Anchor, position: Float[Tensor, "B N H 2"]) -> Float[Tensor, "B N H 2"]:
    """Displacement (m) beyond constant velocity, in each agent's own frame; 0 where there is none."""
    beyond = position - coasting(anchor, position.shape[2])
    return local(beyond, facing(anchor.heading, anchor.oriented)[:, :, None])
