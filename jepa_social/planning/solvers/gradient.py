"""Gradient descent through the objective, from several starts."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.solvers.solver import Best, Objective, rounds

FLAT = 1e-3
"""Slope (cost over a plan's unit) below which steps shrink: rounding must not decide where flat ground leads."""


class Gradient:
    """Adam (Kingma & Ba 2015) on the plan itself, through costs and world model.

    The mean and all guesses are judged once; from the best of them as many descents begin, side by side. A local
    method: it finds the bottom of the valleys that its starts lie in and no other. A step costs about as much time as
    judging its plans three times.

    Args:
        starts: descents.
        iterations: rounds, the first of which judges the guesses.
        rate: size of the first step, relative to the spread; the n-th is smaller by the root of n.

    Raises:
        ValueError: a setting is not positive.
    """

    gradients = True

    def __init__(self, starts: int = 4, iterations: int = 8, rate: float = 0.2):
        if starts < 1 or iterations < 1 or rate <= 0:
            raise ValueError(
                f"solver.starts={starts} and solver.iterations={iterations} must be at least 1, "
                f"solver.rate={rate} positive"
            )
        self.starts, self.iterations, self.rate = starts, iterations, rate

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """See `Solver`; there is no noise, so `seed` changes nothing.

        Raises:
            RuntimeError: in inference mode, where there are no gradients.
        """
        if torch.is_inference_mode_enabled():
            raise RuntimeError("the gradient solver needs torch.no_grad() around it, not torch.inference_mode()")
        found, best = Best(), mean
        step = mean.new_zeros(())
        first, second, where = step, step, mean[:, None]
        for number in rounds(self.iterations, deadline_s):
            if not number:
                plans = torch.cat((mean[:, None], guesses), dim=1)
                with torch.no_grad():
                    cost = objective(plans)
                best = found.update(plans, cost)
                chosen = cost.topk(min(self.starts, plans.shape[1]), dim=1, largest=False).indices
                where = plans.gather(1, chosen[..., None].expand(-1, -1, plans.shape[-1]))
                continue
            slope, cost = _slope(objective, where)
            best = found.update(where, cost)
            first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope.square()
            size = (first / (1 - 0.9**number)) / ((second / (1 - 0.99**number)).sqrt() + FLAT)
            where = where - self.rate / number**0.5 * std[:, None] * size
        return best[:, None]


def _slope(objective: Objective, plans: Float[Tensor, "B S P"]) -> tuple[Tensor, Tensor]:
    """Gradient `[B,S,P]` and cost `[B,S]` of plans; the gradient is 0 where it is not a number."""
    with torch.enable_grad():
        plans = plans.detach().requires_grad_()
        cost = objective(plans)
        (slope,) = torch.autograd.grad(cost.sum(), plans)
    return slope.nan_to_num(0.0, 0.0, 0.0), cost.detach()
