"""Is the spread of a forecast right? Likelihood of the truth, and how often it lies where the draws say it will."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

FLOOR = -20.0
"""Least log-likelihood of a step that counts, so that one surprise does not outweigh a thousand steps."""
GRAIN = 0.01
"""m: standard deviation added to all draws, so that equal draws (somebody stands) have a density at all.

No recording is finer; with less, people who stand to the millimetre would decide the mean likelihood."""
CHUNK = 128
"""Agent-steps whose draws are compared pairwise at once: bounds memory, and stays in the processor's cache."""


class Density(NamedTuple):
    """What the draws' kernel density estimate says of the truth; all of the same shape.

    Attributes:
        nll: negative log-likelihood (nats, densities per m²), at most `-FLOOR` (KDE-NLL).
        rank: share of the draws that are likelier than the truth; the truth lies inside the region of highest density
            with probability p (Hyndman 1996) where `rank < p`, and right draws have it uniform in [0, 1].
    """

    nll: Tensor
    rank: Tensor


def kde(draws: Tensor, truth: Tensor) -> Density:
    """Gaussian kernel density of `draws [S,...,2]` m at `truth [...,2]` m, each step by itself.

    As in Trajectron++ (Salzmann et al. 2020): Scott's bandwidth on the draws' full covariance, log-likelihood floored
    at -20. A draw's own kernel is left out of its density, or every draw would seem likelier than a truth that comes
    from the same distribution.
    """
    count = draws.shape[0]
    flat, target = draws.flatten(1, -2).transpose(0, 1), truth.reshape(-1, 2)
    parts = [_kde(flat[i : i + CHUNK], target[i : i + CHUNK], count) for i in range(0, len(target), CHUNK)]
    nll, rank = (torch.cat(part).view(truth.shape[:-1]) for part in zip(*parts, strict=True))
    return Density(nll, rank)


def _kde(draws: Tensor, truth: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`draws [M,S,2]`, `truth [M,2]`: nll and rank `[M]`."""
    mean = draws.mean(1, keepdim=True)
    away = (draws - mean).double()
    covariance = away.mT @ away / (count - 1) + GRAIN**2 * torch.eye(2, dtype=torch.double, device=draws.device)
    kernel = torch.linalg.cholesky(covariance * count ** (-2 / 6))
    white = torch.linalg.solve_triangular(kernel, away.mT, upper=False).mT
    goal = torch.linalg.solve_triangular(kernel, (truth[:, None] - mean).double().mT, upper=False).mT
    area = 2 * math.pi * kernel.diagonal(dim1=1, dim2=2).prod(-1)
    at_truth = (-0.5 * (white - goal).square().sum(-1)).logsumexp(1)
    log_likelihood = at_truth - math.log(count) - area.log()
    alike = bool((draws == draws[:, :1]).all())  # nothing to compare: each lies on the centre of all kernels
    at_draws = torch.full(draws.shape[:2], count - 1.0) if alike else _kernel_sums(white.float()) - 1.0
    likelier = at_draws.to(draws.device) / (count - 1) > (at_truth.exp() / count).float()[:, None] * (1 + 1e-5)
    return -log_likelihood.clamp(min=FLOOR).to(draws.dtype), likelier.to(draws.dtype).mean(1)


def _kernel_sums(white: Tensor) -> Tensor:
    """Sum over all draws of exp(-d²/2) at each draw, itself included: `[M,S,2]` to `[M,S]`.

    -d²/2 = a·b - a²/2 - b²/2 is one matrix product, so that nothing but the exponential touches all pairs.
    """
    half = -0.5 * white.square().sum(-1, keepdim=True)
    one = torch.ones_like(half)
    left, right = torch.cat((white, half, one), -1), torch.cat((white, one, half), -1)
    return (left @ right.mT).exp_().sum(-1)
