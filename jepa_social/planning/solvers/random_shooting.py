"""Random shooting: the least that a solver can do, and what every other has to beat."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.solvers.solver import Best, Objective, check_rounds, rounds


class RandomShooting:
    """The best of Gaussian samples around the mean, which never moves.

    Args:
        samples: judged per iteration, the mean and the guesses among the first ones.
        iterations: rounds, between which a deadline is looked at.
    """

    gradients = False

    def __init__(self, samples: int = 32, iterations: int = 2):
        check_rounds(iterations, samples)
        self.samples, self.iterations = samples, iterations

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """See `Solver`."""
        generator = torch.Generator().manual_seed(seed)
        extra = torch.cat((mean[:, None], guesses), dim=1)
        found, best = Best(), mean
        for _ in rounds(self.iterations, deadline_s):
            fresh = max(0, self.samples - extra.shape[1])
            noise = torch.randn(fresh, mean.shape[1], generator=generator).to(mean)
            plans = torch.cat((extra, mean[:, None] + std[:, None] * noise), dim=1)
            best = found.update(plans, objective(plans))
            extra = plans[:, :0]
        return best[:, None]
