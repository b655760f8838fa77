"""How much the worst of people's possible futures counts."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Risk:
    """Conditional value at risk of a cost over people's intents (Rockafellar and Uryasev 2000).

    Args:
        alpha: share of the futures, the worst ones, whose mean counts; 1: the mean of all.
        draws: joint intents drawn; 0: the expected future alone, as if it were certain.

    Raises:
        ValueError: alpha is no share, or asks for a tail of one future.
    """

    def __init__(self, alpha: float = 1.0, draws: int = 0):
        if not 0 < alpha <= 1:
            raise ValueError(f"risk.alpha={alpha} must be above 0 and at most 1")
        if alpha < 1 and draws < 2:
            raise ValueError(f"risk.alpha={alpha} is a share of several futures: set risk.draws=8, not {draws}")
        self.alpha, self.draws = alpha, draws

    def __call__(self, cost: Callable[[Imagined], Float[Tensor, "B S"]], imagined: Imagined) -> Float[Tensor, "B S"]:
        """`cost` of each plan, over futures."""
        if not self.draws:
            return cost(imagined)
        futures = imagined.sampled(self.draws).position.unbind(2)
        return cvar(torch.stack([cost(replace(imagined, people=people)) for people in futures], dim=-1), self.alpha)


def cvar(cost: Float[Tensor, "B S M"], alpha: float) -> Float[Tensor, "B S"]:
    """Mean of the worst share `alpha` of M equally likely costs; the one that the share cuts through counts in part.

    Equal to min over t of t + mean(max(cost - t, 0)) / alpha (Rockafellar and Uryasev 2000, theorem 1).
    """
    each = 1.0 / cost.shape[-1]
    before = torch.arange(cost.shape[-1], device=cost.device, dtype=cost.dtype) * each
    weight = (alpha - before).clamp(0.0, each) / alpha
    return (cost.sort(dim=-1, descending=True).values * weight).sum(-1)
