"""Targets from a moving average of the encoder."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from jepa_social.models.objectives.base import Objective
from jepa_social.models.objectives.gathered import variance_and_covariance


class Ema(Objective):
    """Predict layer-normalised latents of a slowly moving copy of the encoder.

    BYOL (Grill et al. 2020) in latent space as in I-JEPA (Assran et al. 2023) and V-JEPA (Bardes et al. 2024):
    smooth-L1 to normalised targets. The moving average alone loses rank slowly on motion data, so VICReg's variance and
    covariance terms (Bardes et al. 2022) are added to the context latents, as C-JEPA (Mo & Tong 2024) does.

    Args:
        weight: of the variance and covariance terms; 0 leaves the moving average to itself.
        momentum: share of the old teacher kept at each step.
        beta: where smooth-L1 turns from square to linear.
    """

    def __init__(self, weight: float = 0.1, momentum: float = 0.99, beta: float = 0.5):
        super().__init__(weight)
        self.momentum, self.beta = momentum, beta

    def error(self, prediction: Float[Tensor, "... D"], target: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Smooth-L1 to the normalised target, which gets no gradient."""
        normed = F.layer_norm(target, target.shape[-1:]).detach()
        prediction, normed = torch.broadcast_tensors(prediction, normed)
        return F.smooth_l1_loss(prediction, normed, beta=self.beta, reduction="none").mean(-1)

    def penalty(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """Variance hinge plus covariance."""
        variance, covariance = variance_and_covariance(latents)
        return variance + covariance
