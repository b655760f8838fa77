"""Solvers: minimise a batched black box. They know nothing of what it means."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Objective = Callable[[Float[Tensor, "B S P"]], Float[Tensor, "B S"]]


class CEM:
    """Cross-entropy method (Rubinstein 1999) over P numbers, for B problems at once.

    Each iteration judges Gaussian samples around the mean, the mean itself and the best so far; the mean and the spread
    move to the elites'. All problems of a batch share their noise, so a problem's answer does not depend on its
    company.

    Args:
        samples: judged per iteration.
        elites: kept per iteration.
        iterations: rounds.
        momentum: share of the old mean and spread kept.
        least_std: floor of the spread, relative to its start.
    """

    def __init__(
        self, samples: int = 48, elites: int = 8, iterations: int = 3, momentum: float = 0.1, least_std: float = 0.1
    ):
        if not 1 <= elites <= samples:
            raise ValueError(f"solver.elites={elites} must lie between 1 and solver.samples={samples}")
        self.samples, self.elites, self.iterations = samples, elites, iterations
        self.momentum, self.least_std = momentum, least_std

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
    ) -> Float[Tensor, "B P"]:
        """The best point judged. `guesses` are judged in the first iteration beside the samples."""
        generator = torch.Generator().manual_seed(seed)
        floor = std * self.least_std
        extra = torch.cat((mean[:, None], guesses), dim=1)
        best, lowest = mean, None
        for _ in range(self.iterations):
            fresh = max(0, self.samples - extra.shape[1])
            noise = torch.randn(fresh, mean.shape[1], generator=generator).to(mean)
            plans = torch.cat((extra, mean[:, None] + std[:, None] * noise), dim=1)
            cost = objective(plans)
            order = cost.topk(self.elites, dim=1, largest=False)
            elite = plans.gather(1, order.indices[..., None].expand(-1, -1, plans.shape[-1]))
            if lowest is None:
                best, lowest = elite[:, 0], order.values[:, 0]
            else:
                better = order.values[:, 0] < lowest
                best = torch.where(better[:, None], elite[:, 0], best)
                lowest = torch.minimum(lowest, order.values[:, 0])
            mean = self.momentum * mean + (1 - self.momentum) * elite.mean(1)
            std = torch.maximum(self.momentum * std + (1 - self.momentum) * elite.std(1, correction=0), floor)
            extra = torch.stack((mean, best), dim=1)
        return best
