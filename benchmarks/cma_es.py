"""CMA-ES from the package `cma` as a solver: the reference beside which ours are held."""

import cma
import numpy as np
import torch
from torch import Tensor

from jepa_social.planning.solvers import Objective
from jepa_social.planning.solvers.solver import Best, rounds


class CmaEs:
    """Covariance matrix adaptation (Hansen 2016), one `cma.CMAEvolutionStrategy` a problem, all in step.

    The mean and the guesses are judged first, and each search begins at the best of them.

    Args:
        samples: population; the package's own rule is 4 + 3 ln P.
        iterations: rounds, the first of which judges the guesses.
    """

    gradients = False

    def __init__(self, samples: int = 10, iterations: int = 6):
        self.samples, self.iterations = samples, iterations

    def solve(
        self,
        objective: Objective,
        mean: Tensor,
        std: Tensor,
        guesses: Tensor,
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Tensor:
        """See `Solver`."""
        found, best, searches = Best(), mean, []
        for number in rounds(self.iterations, deadline_s):
            if not number:
                plans = torch.cat((mean[:, None], guesses), dim=1)
                best = found.update(plans, objective(plans))
                options = {"popsize": self.samples, "seed": seed + 1, "verbose": -9, "CMA_stds": None}
                for start, spread in zip(best.tolist(), std.tolist(), strict=True):
                    searches.append(cma.CMAEvolutionStrategy(start, 1.0, options | {"CMA_stds": spread}))
                continue
            asked = np.stack([np.stack(search.ask()) for search in searches])
            plans = torch.as_tensor(asked).to(mean)
            cost = objective(plans)
            best = found.update(plans, cost)
            for search, points, values in zip(searches, asked, cost.double().tolist(), strict=True):
                search.tell(list(points), values)
        return best[:, None]
