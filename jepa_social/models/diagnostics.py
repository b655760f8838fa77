"""Is the latent space alive? Rank and spread of latents, and an alarm when they die."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor


def effective_rank(latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
    """Exponential of the entropy of the normalised singular values of the centred matrix.

    RankMe (Garrido et al. 2023, eq. 1), with the mean taken out first: a constant is not a direction of information.
    """
    values = torch.linalg.svdvals(latents.float() - latents.float().mean(0))
    share = values / values.sum().clamp(min=1e-12) + 1e-7
    return (-(share * share.log()).sum()).exp()


def spread(latents: Float[Tensor, "K D"]) -> Float[Tensor, "D"]:
    """Standard deviation of each dimension (VICReg, Bardes et al. 2022, watches and regularises the same quantity)."""
    return latents.float().std(0)


class CollapseWarning(UserWarning):
    """The latents carry too few directions, or hardly vary at all."""


class CollapseAlarm:
    """Warns when the effective rank falls below `share` of the width, or the spread below `least` of the latents' size.

    It waits for `patience` checks in a row, so that a noisy first batch does not ring it, and rings once per collapse.
    """

    def __init__(self, share: float = 0.125, least: float = 0.1, patience: int = 3):
        self.share, self.least, self.patience = share, least, patience
        self.bad = 0

    @property
    def ringing(self) -> bool:
        """Whether the last `patience` checks were all bad."""
        return self.bad >= self.patience

    def check(self, latents: Float[Tensor, "K D"]) -> dict[str, Tensor]:
        """Measure `latents`, warn if they have collapsed, and return the scalars to log."""
        rank, std = effective_rank(latents), spread(latents)
        relative = std.norm() / latents.float().norm(dim=-1).mean().clamp(min=1e-12)
        dead = bool(rank < self.share * latents.shape[-1]) or bool(relative < self.least)
        self.bad = self.bad + 1 if dead else 0
        if self.bad == self.patience:
            warnings.warn(
                f"latents are collapsing: effective rank {rank:.1f} of {latents.shape[-1]}, "
                f"relative spread {relative:.3f}; raise objective.weight, or check objective.* in the config",
                CollapseWarning,
                stacklevel=2,
            )
        return {
            "effective_rank": rank,
            "relative_spread": relative,
            "std_mean": std.mean(),
            "std_min": std.min(),
            "alarm": torch.tensor(float(self.ringing)),
        }
