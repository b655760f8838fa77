"""Variance, invariance and covariance on latents, without a teacher."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepa_social.models.objectives.base import Moves, Objective
from jepa_social.models.objectives.gathered import masked_mean, variance_and_covariance


class VicReg(Objective):
    """Predict the encoder's own latents; variance and covariance terms on both branches keep them apart.

    VICReg (Bardes et al. 2022, eq. 6), its coefficients divided by that of invariance: 25 : 25 : 1 is `weight=1` and
    `covariance=0.04`. For latents that move, PLDM (Sobal et al. 2025) adds inverse dynamics (the action must be told by
    two consecutive latents, which keeps what is controlled) and temporal similarity (what changes slowly is kept).

    Args:
        width: of the latents, D.
        weight: of the regulariser, all four of its terms; 0 switches it off (and collapses the model).
        covariance: of the covariance term, the variance term having 1.
        inverse: of inverse dynamics; 0 builds no head.
        similarity: of the squared distance between consecutive latents.
        hidden: units of the inverse dynamics head.
    """

    def __init__(
        self,
        width: int,
        weight: float = 1.0,
        covariance: float = 0.04,
        inverse: float = 0.0,
        similarity: float = 0.0,
        hidden: int = 64,
    ):
        super().__init__(weight)
        self.covariance, self.inverse, self.similarity = covariance, inverse, similarity
        self.needs_moves = weight > 0 and (inverse > 0 or similarity > 0)
        self.dynamics = None
        if weight > 0 and inverse > 0:
            self.dynamics = nn.Sequential(nn.Linear(2 * width, hidden), nn.SiLU(), nn.Linear(hidden, 2))

    def error(self, prediction: Float[Tensor, "... D"], target: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Mean square."""
        return (prediction - target).square().mean(-1)

    def penalty(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """Variance hinge plus weighted covariance."""
        variance, covariance = variance_and_covariance(latents)
        return variance + self.covariance * covariance

    def regulariser(
        self,
        prediction: Float[Tensor, "... D"],
        latents: Float[Tensor, "K D"],
        mask: Bool[Tensor, "..."],
        moves: Moves | None,
    ) -> Float[Tensor, ""]:
        """The penalty of both branches, and what consecutive latents should say."""
        value = (self.penalty(latents) + self.penalty(prediction[mask])) / 2
        if not self.needs_moves:
            return value
        if moves is None:
            raise ValueError("objective.inverse and objective.similarity need moves: pass Moves.of(latents)")
        everywhere = torch.ones_like(moves.before[:, 0], dtype=torch.bool)
        if self.similarity > 0:
            value = value + self.similarity * masked_mean((moves.after - moves.before).square().mean(-1), everywhere)
        if self.dynamics is not None:
            told = self.dynamics(torch.cat((moves.before, moves.after), dim=-1))
            value = value + self.inverse * masked_mean((told - moves.action).square().mean(-1), everywhere)
        return value
