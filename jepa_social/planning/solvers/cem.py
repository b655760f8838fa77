"""CEM: a Gaussian moves to where the best samples are."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.solvers.solver import Best, Objective, check_rounds, rounds


class CEM:
    """Cross-entropy method (Rubinstein 1999).

    Each iteration judges Gaussian samples around the mean, the mean itself and the best so far; the mean and the spread
    move to the elites'.

    Args:
        samples: judged per iteration.
        elites: kept per iteration.
        iterations: rounds.
        momentum: share of the old mean and spread kept.
        least_std: floor of the spread, relative to its start.
    """

    gradients = False

    def __init__(
        self, samples: int = 48, elites: int = 8, iterations: int = 3, momentum: float = 0.1, least_std: float = 0.1
    ):
        check_rounds(iterations, samples)
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
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """See `Solver`; `guesses` count among the first iteration's samples."""
        generator = torch.Generator().manual_seed(seed)
        floor = std * self.least_std
        extra = torch.cat((mean[:, None], guesses), dim=1)
        found, best = Best(), mean
        for _ in rounds(self.iterations, deadline_s):
            fresh = max(0, self.samples - extra.shape[1])
            noise = torch.randn(fresh, mean.shape[1], generator=generator).to(mean)
            plans = torch.cat((extra, mean[:, None] + std[:, None] * noise), dim=1)
            cost = objective(plans)
            best = found.update(plans, cost)
            chosen = cost.topk(self.elites, dim=1, largest=False).indices
            elite = plans.gather(1, chosen[..., None].expand(-1, -1, plans.shape[-1]))
            mean = self.momentum * mean + (1 - self.momentum) * elite.mean(1)
            std = torch.maximum(self.momentum * std + (1 - self.momentum) * elite.std(1, correction=0), floor)
            extra = torch.stack((mean, best), dim=1)
        return best[:, None]
