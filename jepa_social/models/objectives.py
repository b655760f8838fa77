"""Objectives: how a prediction is held against its target, and what keeps the latents from collapsing.

Both share one signature, `objective(prediction, target, latents, mask) -> Terms`; `teacher` says whether targets come
from a moving average of the encoder (no gradient) or from the encoder itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


@dataclass
class Terms:
    """Terms of a loss: `total = prediction + weight * regulariser`."""

    total: Tensor
    prediction: Tensor
    regulariser: Tensor

    @staticmethod
    def of(loss: Tensor, weight: float, penalty: Callable[[Tensor], Tensor], latents: Tensor) -> "Terms":
        """Prediction loss plus `weight` times the penalty of `latents`, which is not computed at a weight of 0."""
        if weight == 0:
            return Terms(loss, loss.detach(), torch.zeros_like(loss))
        value = penalty(latents)
        return Terms(loss + weight * value, loss.detach(), value.detach())


def masked_mean(value: Float[Tensor, "..."], mask: Bool[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean over true entries of `mask` (over all processes of a distributed run)."""
    total, count = (value * mask).sum(), mask.sum().to(value.dtype)
    if _distributed():
        # gradients are averaged over processes, so each contributes its own sum over the mean count
        dist.all_reduce(count)
        count = count / dist.get_world_size()
    return total / count.clamp(min=1.0)


class Ema(nn.Module):
    """Predict layer-normalised latents of a slowly moving copy of the encoder.

    BYOL (Grill et al. 2020) in latent space as in I-JEPA (Assran et al. 2023) and V-JEPA (Bardes et al. 2024):
    smooth-L1 to
    normalised targets. The moving average alone loses rank slowly on motion data, so VICReg's variance and covariance
    terms (Bardes et al. 2022, eq. 1-4) are added to the context latents, as C-JEPA (Mo & Tong 2024) does.

    Args:
        weight: of the variance and covariance terms; 0 leaves the moving average to itself.
        momentum: share of the old teacher kept at each step.
        beta: where smooth-L1 turns from square to linear.
    """

    def __init__(self, weight: float = 0.1, momentum: float = 0.99, beta: float = 0.5):
        super().__init__()
        self.weight, self.momentum, self.beta = weight, momentum, beta

    def forward(
        self,
        prediction: Float[Tensor, "... D"],
        target: Float[Tensor, "... D"],
        latents: Float[Tensor, "K D"],
        mask: Bool[Tensor, "..."],
    ) -> Terms:
        """Loss of `prediction` against `target` where `mask`, plus the regulariser of `latents`."""
        normed = F.layer_norm(target, target.shape[-1:])
        error = F.smooth_l1_loss(prediction, normed.detach(), beta=self.beta, reduction="none").mean(-1)
        loss = masked_mean(error, mask)
        return Terms.of(loss, self.weight, self.penalty, latents)

    @staticmethod
    def penalty(latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """Hinge on each dimension's standard deviation below 1, plus the mean squared off-diagonal covariance."""
        mean, moment = latents.mean(0), latents.T @ latents / latents.shape[0]
        if _distributed():
            mean, moment = _mean_over_processes(mean), _mean_over_processes(moment)
        covariance = moment - mean[:, None] * mean
        variance = covariance.diagonal()
        spread = (1.0 - (variance.clamp(min=0) + 1e-4).sqrt()).clamp(min=0).mean()
        return spread + (covariance.square().sum() - variance.square().sum()) / latents.shape[-1]


class SigReg(nn.Module):
    """Predict the encoder's own latents, held to an isotropic Gaussian.

    LeJEPA (Balestriero & LeCun 2025): no teacher and no stopped gradient; SIGReg compares the empirical characteristic
    function of random one-dimensional projections of the latents with the standard normal's (Epps & Pulley 1983).

    Args:
        weight: of the regulariser; 0 switches it off (and collapses the model).
        projections: random directions a step.
        knots: quadrature points of the test on [-reach, reach].
        rows: at most so many latents are tested a step: the test, not the network, is the cost at these sizes.
    """

    momentum = None

    def __init__(
        self, weight: float = 1.0, projections: int = 64, knots: int = 13, reach: float = 4.0, rows: int = 1024
    ):
        super().__init__()
        self.weight, self.projections, self.rows = weight, projections, rows
        self.grid: Tensor
        self.normal: Tensor
        grid = torch.linspace(0.0, reach, knots)
        self.register_buffer("grid", grid, persistent=False)
        self.register_buffer("normal", (-0.5 * grid.square()).exp(), persistent=False)

    def forward(
        self,
        prediction: Float[Tensor, "... D"],
        target: Float[Tensor, "... D"],
        latents: Float[Tensor, "K D"],
        mask: Bool[Tensor, "..."],
    ) -> Terms:
        """Loss of `prediction` against `target` where `mask`, plus the regulariser of `latents`."""
        loss = masked_mean((prediction - target).square().mean(-1), mask)
        return Terms.of(loss, self.weight, self.penalty, latents)

    def penalty(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """Epps–Pulley distance to N(0, I), averaged over random directions (all processes use the same ones)."""
        if latents.shape[0] > self.rows:
            latents = latents[torch.randperm(latents.shape[0], device=latents.device)[: self.rows]]
        direction = torch.randn(latents.shape[-1], self.projections, device=latents.device, dtype=latents.dtype)
        if _distributed():
            dist.broadcast(direction, src=0)
        direction = F.normalize(direction, dim=0)
        # the grid is symmetric: its positive half carries cos (even) and sin (odd) alike
        angle = (latents @ direction)[:, :, None] * self.grid
        real, imaginary = angle.cos().mean(0), angle.sin().mean(0)
        if _distributed():
            real, imaginary = _mean_over_processes(real), _mean_over_processes(imaginary)
        error = (real - self.normal).square() + imaginary.square()
        step = self.grid[1] - self.grid[0]
        return 2 * torch.trapezoid(error * self.normal, dx=float(step), dim=-1).mean() * self.rows**0.5


def _distributed() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _mean_over_processes(value: Tensor) -> Tensor:
    """Average over processes, with gradients."""
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(value) / dist.get_world_size()  # pyright: ignore[reportOperatorIssue]
