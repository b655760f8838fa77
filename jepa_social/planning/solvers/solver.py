"""What every solver is: the interface, the best point so far, and rounds that mind a deadline."""

from collections.abc import Callable, Iterator
from time import perf_counter as now
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

Objective = Callable[[Float[Tensor, "B S P"]], Float[Tensor, "B S"]]


class Solver(Protocol):
    """Minimises a batched black box over P numbers, for B problems at once.

    All problems of a batch share their noise, so a problem's answer does not depend on its company. Without a deadline
    the answer depends on the arguments alone.

    Attributes:
        gradients: whether it differentiates the objective, which must then not run in inference mode.
    """

    gradients: bool

    def solve(
        self,
        objective: Objective,
        mean: Float[Tensor, "B P"],
        std: Float[Tensor, "B P"],
        guesses: Float[Tensor, "B G P"],
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Float[Tensor, "B E P"]:
        """The best point judged; behind it, where E > 1, others that are worth beginning from at the next decision.

        Args:
            objective: what to minimise.
            mean: where to begin; it is judged.
            std: how far to look around it.
            guesses: points that are judged in the first round.
            seed: of all noise.
            deadline_s: s from now by which to answer; None: all rounds. The first round is never left out.
        """
        ...


class Best:
    """The lowest point that each of B problems has seen; earlier ones win ties, costs that are not numbers lose."""

    def __init__(self) -> None:
        self.plan: Tensor | None = None
        self.cost: Tensor | None = None

    def update(self, plans: Float[Tensor, "B S P"], cost: Float[Tensor, "B S"]) -> Float[Tensor, "B P"]:
        """The best so far, `plans` of `cost` included."""
        lowest, index = cost.nan_to_num(nan=torch.inf).min(dim=1)
        found = plans.gather(1, index[:, None, None].expand(-1, 1, plans.shape[-1]))[:, 0]
        if self.plan is None or self.cost is None:
            self.plan, self.cost = found, lowest
        else:
            better = lowest < self.cost
            self.plan = torch.where(better[:, None], found, self.plan)
            self.cost = torch.minimum(lowest, self.cost)
        return self.plan


def rounds(most: int, deadline_s: float | None) -> Iterator[int]:
    """Count the rounds of a search, from 0 to `most` - 1.

    With a deadline (s from now) it ends before a round that would miss it if it took as long as the last one; the first
    round always comes.
    """
    began = last = now()
    for number in range(most):
        if number and deadline_s is not None:
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            this = now()
            if (this - began) + (this - last) > deadline_s:
                return
            last = this
        yield number


def check_rounds(iterations: int, samples: int) -> None:
    """Settings that every sampling solver has.

    Raises:
        ValueError: one is less than 1.
    """
    if iterations < 1 or samples < 1:
        raise ValueError(f"solver.iterations={iterations} and solver.samples={samples} must be at least 1")
