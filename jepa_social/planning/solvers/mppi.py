"""MPPI: the mean moves to everything that was judged, good samples counting more."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.solvers.solver import Best, Objective, check_rounds, rounds


class MPPI:
    """Model-predictive path integral control (Williams et al. 2017, information-theoretic form).

    The mean becomes sum_i w_i x_i, w_i ~ exp(-cost_i / temperature), over samples around it. The passive distribution
    moves with the mean, so that no sample pays for its departure from it. Ours: costs are measured in their
    standard deviation among the better half of what was judged, as the solver does not know what it minimises; the
    noise shrinks from round to round (1 is the paper's); the answer is the best point judged, means included.

    Args:
        samples: judged per iteration.
        iterations: rounds; one more judges nothing but the last mean.
        temperature: the lower, the fewer samples count.
        cooling: factor on the noise after each iteration.
    """

    gradients = False

    def __init__(self, samples: int = 32, iterations: int = 2, temperature: float = 0.3, cooling: float = 0.6):
        check_rounds(iterations, samples)
        if temperature <= 0 or not 0 < cooling <= 1:
            raise ValueError(f"solver.temperature={temperature} must be positive, solver.cooling={cooling} in (0, 1]")
        self.samples, self.iterations = samples, iterations
        self.temperature, self.cooling = temperature, cooling

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """See `Solver`; `guesses` are averaged over like the samples among which they are."""
        generator = torch.Generator().manual_seed(seed)
        extra = torch.cat((mean[:, None], guesses), dim=1)
        found, best = Best(), mean
        for number in rounds(self.iterations + 1, deadline_s):
            last = number == self.iterations
            fresh = 0 if last else max(0, self.samples - extra.shape[1])
            noise = torch.randn(fresh, mean.shape[1], generator=generator).to(mean)
            plans = torch.cat((extra, mean[:, None] + std[:, None] * noise), dim=1)
            cost = objective(plans)
            best = found.update(plans, cost)
            if not last:
                mean = (self._weights(cost)[..., None] * plans).sum(1)
                std = std * self.cooling
                extra = mean[:, None]
        return best[:, None]

    def _weights(self, cost: Float[Tensor, "B S"]) -> Float[Tensor, "B S"]:
        cost = cost.nan_to_num(nan=torch.inf)
        better = cost.sort(dim=1).values[:, : (cost.shape[1] + 1) // 2]
        scale = better.std(dim=1, correction=0, keepdim=True).clamp(min=1e-9)
        return (-(cost - better[:, :1]) / (self.temperature * scale)).softmax(dim=1)
