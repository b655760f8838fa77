"""The encoder's own latents as targets, held to an isotropic Gaussian."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from jepa_social.models.characteristic import characteristic
from jepa_social.models.objectives.base import Objective
from jepa_social.models.objectives.gathered import gathered_mean, processes


class SigReg(Objective):
    """Predict the encoder's own latents, held to an isotropic Gaussian.

    LeJEPA (Balestriero & LeCun 2025): no teacher and no stopped gradient; SIGReg compares the empirical characteristic
    function of random one-dimensional projections of the latents with the standard normal's (Epps & Pulley 1983).

    Args:
        weight: of the regulariser; 0 switches it off (and collapses the model).
        projections: random directions a step.
        knots: quadrature points of the test on [-reach, reach].
        rows: at most so many latents (of each process) are tested a step: the test, not the network, is the cost at
            these sizes.
    """

    def __init__(
        self, weight: float = 1.0, projections: int = 64, knots: int = 13, reach: float = 4.0, rows: int = 1024
    ):
        super().__init__(weight)
        self.projections, self.rows = projections, rows
        self.grid: Tensor
        self.normal: Tensor
        grid = torch.linspace(0.0, reach, knots)
        self.register_buffer("grid", grid, persistent=False)
        self.register_buffer("normal", (-0.5 * grid.square()).exp(), persistent=False)

    def error(self, prediction: Float[Tensor, "... D"], target: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Mean square."""
        return (prediction - target).square().mean(-1)

    def penalty(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """Epps–Pulley distance to N(0, I), averaged over random directions (all processes use the same ones)."""
        if latents.shape[0] > self.rows:
            latents = latents[torch.randperm(latents.shape[0], device=latents.device)[: self.rows]]
        direction = torch.randn(latents.shape[-1], self.projections, device=latents.device, dtype=latents.dtype)
        if processes() > 1:
            dist.broadcast(direction, src=0)
        direction = F.normalize(direction, dim=0)
        # the grid is symmetric: its positive half carries cos (even) and sin (odd) alike
        waves = torch.stack(characteristic(latents @ direction, float(self.grid[1]), len(self.grid)))
        real, imaginary = gathered_mean(waves * latents.shape[0], latents.shape[0])
        error = (real - self.normal).square() + imaginary.square()
        step = self.grid[1] - self.grid[0]
        return 2 * torch.trapezoid(error * self.normal, dx=float(step), dim=-1).mean() * self.rows**0.5
