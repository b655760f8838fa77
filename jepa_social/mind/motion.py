"""Motion readout: where people will be, read from imagined latents."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.geometry import rotate
from jepa_social.models.latents import Anchor


class MotionReadout(nn.Module):
    """Residual to constant velocity, in each agent's own frame at the anchor.

    Each imagined step gives a velocity residual; positions are its running sum. An agent without a heading (never seen
    to move) has no frame to speak in and is predicted to stay. Latents come in with their gradient stopped.
    """

    def __init__(self, latent: int, hidden: int = 64):
        super().__init__()
        self.now = nn.Sequential(nn.LayerNorm(latent, elementwise_affine=False), nn.Linear(latent, hidden))
        self.then = nn.Linear(latent, hidden, bias=False)
        self.clock = nn.Linear(1, hidden, bias=False)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 2))
        nn.init.zeros_(self.out[-1].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(self.out[-1].bias)  # pyright: ignore[reportArgumentType]

    def forward(self, anchor: Anchor, imagined: Float[Tensor, "B S N H D"]) -> Float[Tensor, "B S N H 2"]:
        """World positions (m) of the imagined steps."""
        horizon = imagined.shape[3]
        dt = anchor.dt.view(-1, 1, 1, 1, 1)
        lag = torch.arange(1, horizon + 1, device=imagined.device).view(-1, 1) * dt
        hidden = self.then(imagined.detach()) + (self.now(anchor.state.detach())[:, None, :, None] + self.clock(lag))
        local = self.out(hidden) * anchor.oriented[:, None, :, None, None]
        residual = rotate(local, anchor.heading[:, None, :, None])
        velocity = anchor.velocity[:, None, :, None] + residual
        return anchor.position[:, None, :, None] + (velocity * dt).cumsum(3)
