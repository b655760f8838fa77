"""iCEM: the cross-entropy method for control loops, where budgets are small and the last decision is a good start."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.solvers.solver import Best, Objective, check_rounds, rounds


class ICEM:
    """Improved cross-entropy method (Pinneri et al. 2020).

    What it adds to `CEM`: noise that is coloured along the plan (spectral density 1/f^`colour`), elites that are judged
    again in the next iteration, ever smaller populations, and elites handed on to the next decision, which shifts them
    by the time that has passed; the answer is the best point judged. Ours: the mean is judged in every iteration, not
    only in the last, which nobody knows beforehand where there is a deadline; noise is drawn over twice the plan's
    length and cut, as otherwise its end would be its beginning's neighbour.

    Args:
        samples: judged in the first iteration.
        elites: what the mean and the spread move to.
        iterations: rounds.
        momentum: share of the old mean and spread kept.
        least_std: floor of the spread, relative to its start.
        colour: exponent of the noise's spectrum; 0 is white, 2 a random walk.
        decay: by which each population is smaller than the last one; never less than twice the elites.
        keep: share of the elites that is judged again and handed on.
        axes: numbers of a plan that belong to one instant, so that P = instants * axes.
    """

    gradients = False

    def __init__(
        self,
        samples: int = 40,
        elites: int = 6,
        iterations: int = 2,
        momentum: float = 0.1,
        least_std: float = 0.1,
        colour: float = 1.0,
        decay: float = 1.25,
        keep: float = 0.3,
        axes: int = 2,
    ):
        check_rounds(iterations, samples)
        if not 1 <= elites <= samples:
            raise ValueError(f"solver.elites={elites} must lie between 1 and solver.samples={samples}")
        if decay < 1.0 or not 0.0 <= keep <= 1.0:
            raise ValueError(f"solver.decay={decay} must be at least 1 and solver.keep={keep} a share")
        self.samples, self.elites, self.iterations = samples, elites, iterations
        self.momentum, self.least_std, self.colour, self.decay = momentum, least_std, colour, decay
        self.kept, self.axes = round(keep * elites), axes

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """See `Solver`; behind the best come the elites that are handed on.

        Raises:
            ValueError: P is no multiple of `axes`.
        """
        if mean.shape[1] % self.axes:
            raise ValueError(f"solver.axes={self.axes} does not divide a plan of {mean.shape[1]} numbers")
        generator = torch.Generator().manual_seed(seed)
        mixing = coloured(mean.shape[1] // self.axes, self.colour)
        floor = std * self.least_std
        extra = torch.cat((mean[:, None], guesses), dim=1)
        found, best, elite = Best(), mean, extra[:, :0]
        for number in rounds(self.iterations, deadline_s):
            population = max(round(self.samples / self.decay**number), min(2 * self.elites, self.samples))
            fresh = max(0, population - extra.shape[1])
            white = torch.randn(fresh, mixing.shape[1], self.axes, generator=generator)
            noise = (mixing @ white).flatten(1).to(mean)
            plans = torch.cat((extra, mean[:, None] + std[:, None] * noise), dim=1)
            cost = objective(plans)
            best = found.update(plans, cost)
            chosen = cost.topk(self.elites, dim=1, largest=False).indices
            elite = plans.gather(1, chosen[..., None].expand(-1, -1, plans.shape[-1]))
            mean = self.momentum * mean + (1 - self.momentum) * elite.mean(1)
            std = torch.maximum(self.momentum * std + (1 - self.momentum) * elite.std(1, correction=0), floor)
            extra = torch.cat((mean[:, None], elite[:, : self.kept]), dim=1)
        return torch.cat((best[:, None], elite[:, 1 : self.kept]), dim=1)


def coloured(length: int, colour: float) -> Float[Tensor, "T W"]:
    """What makes `length` values of coloured noise of white noise: variance 1, spectral density 1/f^`colour`.

    The lowest frequency also stands for the constant part (as in Timmer & König 1995 and the paper's code).
    """
    frequency = torch.fft.rfftfreq(2 * length)
    frequency[0] = frequency[1]
    spectrum = torch.fft.rfft(torch.eye(2 * length), dim=0) * (frequency ** (-colour / 2))[:, None]
    mixing = torch.fft.irfft(spectrum, n=2 * length, dim=0)[:length]
    return mixing / mixing.norm(dim=1, keepdim=True)
