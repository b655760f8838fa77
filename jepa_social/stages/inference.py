"""Inference of intents in pretraining: the code that explains a future best, at its price."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.models.intents import Intents, every_intent, infer_intent, joint_energy, usage
from jepa_social.models.objectives import Terms, masked_mean


@dataclass(frozen=True)
class Inference:
    """How codes are inferred, and what they add to the loss (see `jepa_social.models.intents`).

    Attributes:
        weight: of the loss under codes, beside that of the expected future.
        rate: price of a nat, in units of the prediction error.
        joint: share of an agent's energy that is its scene's.
        spare: weight of the codes not chosen: they must stay alive to be chosen.
    """

    weight: float = 1.0
    rate: float = 0.01
    joint: float = 0.5
    spare: float = 0.05

    def add(
        self,
        terms: Terms,
        intents: Intents,
        measure: Callable[[Tensor, Tensor], Tensor],
        foreseen: Float[Tensor, "B N H P"],
        expected: Float[Tensor, "B 1 N H D"],
        target: Float[Tensor, "B N H E"],
        mask: Bool[Tensor, "B N H"],
    ) -> None:
        """Add to `terms` the error under the inferred codes and the prior's surprise at them.

        `extra` gets the error with and without a code, the rate (nats) and how many codes are in use (the exponential
        of the entropy of their histogram).
        """
        if self.weight == 0:
            return
        codes = every_intent(intents.codes, foreseen)
        error = measure(expected + intents(foreseen, codes), target[:, None])
        energy = (error * mask[:, None]).sum(-1) / mask.sum(-1).clamp(min=1)[:, None]
        known, prior = mask.any(-1), intents.prior(foreseen)
        chosen = infer_intent(joint_energy(energy, known, self.joint), prior, self.rate)
        index = chosen[..., None].expand(-1, -1, -1, error.shape[-1])
        best = masked_mean(error.gather(1, index)[:, 0], mask)
        spare = masked_mean(error.mean(1), mask)
        rate = masked_mean(-prior.transpose(1, 2).gather(1, chosen)[:, 0], known)
        share = usage(chosen[:, 0], intents.codes, known)
        terms.total = terms.total + self.weight * ((1 - self.spare) * best + self.spare * spare + self.rate * rate)
        terms.extra |= {
            "error": best.detach(),
            "rate": rate.detach(),
            "codes_used": torch.special.entr(share).sum().exp(),
        }
