"""The reference without latent targets: imagined latents must tell states."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.geometry import rotate
from jepa_social.models.objectives.base import Objective

STATES = 4


def own_states(
    position: Float[Tensor, "B N H 2"],
    velocity: Float[Tensor, "B N H 2"],
    origin: Float[Tensor, "B N 2"],
    heading: Float[Tensor, "B N"],
) -> Float[Tensor, "B N H 4"]:
    """Positions (m) and velocities (m/s) in each agent's own frame: at `origin`, x axis along `heading` (rad)."""
    back = -heading[..., None]
    return torch.cat((rotate(position - origin[..., None, :], back), rotate(velocity, back)), dim=-1)


class Reconstruction(Objective):
    """Masked autoencoding of states: the same encoder and predictor, but a small head decodes the prediction.

    MAE (He et al. 2022), for motion Forecast-MAE (Cheng et al. 2023): what is not seen is reconstructed in input space,
    here position and velocity in the agent's own frame at the anchor, by smooth-L1. There is no latent target, and so
    nothing can collapse and nothing is regularised. The head is dropped after pretraining, as MAE's decoder is.

    Args:
        width: of the latents, D.
        hidden: units of the head.
        beta: m and m/s at which smooth-L1 turns from square to linear.
    """

    predicts: Literal["latents", "states"] = "states"

    def __init__(self, width: int, hidden: int = 64, beta: float = 0.5):
        super().__init__(weight=0.0)
        self.beta = beta
        self.head = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, STATES))

    def error(self, prediction: Float[Tensor, "... D"], target: Float[Tensor, "... 4"]) -> Float[Tensor, "..."]:
        """Smooth-L1 of the decoded state."""
        told, target = torch.broadcast_tensors(self.head(prediction), target)
        return F.smooth_l1_loss(told, target, beta=self.beta, reduction="none").mean(-1)
