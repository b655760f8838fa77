"""What a cost is, and the weighted sum of many.

Every term is dimensionless and about 1 when matters are as bad as they reasonably get, so that weights compare.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.costs.risk import Risk
from jepa_social.planning.imagined import Imagined


class Cost(Protocol):
    """Judges plans: lower is better."""

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Cost of each plan."""
        ...


class Weighted:
    """Weighted sum of named costs; a weight of 0 leaves a term out and asks for nothing that only it needs.

    Args:
        terms: by name.
        weights: by the same names.
        risk: how the sum is taken over people's intents; None: of the expected future alone.

    Raises:
        ValueError: names differ.
    """

    def __init__(self, terms: Mapping[str, Cost], weights: Mapping[str, float], risk: Risk | None = None):
        if set(terms) != set(weights):
            raise ValueError(
                f"cost terms {sorted(terms)} and weights {sorted(weights)} must have the same names; "
                "a run older than a term takes it from +cost@planner.cost=default"
            )
        self.risk = risk or Risk()
        self.terms = {name: (float(weights[name]), term) for name, term in terms.items() if weights[name]}

    def term(self, name: str) -> Cost | None:
        """The term of this name, None if it weighs nothing."""
        return self.terms[name][1] if name in self.terms else None

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over terms, then `risk` over intents."""
        return self.risk(self._sum, imagined)

    def _sum(self, imagined: Imagined) -> Tensor:
        total = imagined.actions.new_zeros(imagined.actions.shape[:2])
        for weight, term in self.terms.values():
            total = total + weight * term(imagined)
        return total


def worst_of(people: Float[Tensor, "B S K H"]) -> Float[Tensor, "B S H"]:
    """The largest over people of something that is never negative; 0 where there is nobody."""
    nobody = people.new_zeros(*people.shape[:2], 1, people.shape[3])
    return torch.cat((people, nobody), dim=2).amax(2)
