"""Inference of intents in pretraining: the code that explains a future best, at its price."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.models.intents import (
    Intents,
    codes_in_use,
    every_intent,
    infer_intent,
    joint_energy,
    judged_steps,
    usage,
)
from jepa_social.models.objectives import Terms, masked_mean


@dataclass(frozen=True)
class Inference:
    """How codes are inferred, and what they add to the loss (see `jepa_social.models.intents`).

    Attributes:
        weight: of the loss under codes, beside that of the expected future.
        rate: price of a nat, in units of the prediction error.
        joint: share of an agent's energy that is its scene's.
        spare: weight of a code drawn at random: codes must stay alive to be chosen (relaxed winner-takes-all, Rupprecht
            et al. 2017).

    All codes are tried without gradient on a few steps; only the chosen one and the spare one are learned from.
    """

    weight: float = 1.0
    rate: float = 0.002
    joint: float = 0.5
    spare: float = 0.05

    def add(
        self,
        terms: Terms,
        intents: Intents,
        measure: Callable[[Tensor, Tensor], Tensor],
        foreseen: Float[Tensor, "B N H P"],
        expected: Float[Tensor, "B 1 N H E"],
        target: Float[Tensor, "B N H K"],
        mask: Bool[Tensor, "B N H"],
    ) -> None:
        """Add to `terms` the error under the inferred codes and the prior's surprise at them.

        `extra` gets the error under the inferred codes, the rate (nats) and how many codes are in use (the exponential
        of the entropy of their histogram).
        """
        known, prior = mask.any(-1), intents.prior(foreseen)
        with torch.no_grad():
            judged = judged_steps(foreseen.shape[2])
            codes, counted = every_intent(intents.codes, foreseen), mask[:, None, :, judged]
            imagined = expected[..., judged, :] + intents(foreseen[:, :, judged], codes)
            error = measure(imagined, target[:, None, :, judged])
            energy = (error * counted).sum(-1) / counted.sum(-1).clamp(min=1)
            chosen = infer_intent(joint_energy(energy, counted.any(-1)[:, 0], self.joint), prior, self.rate)
            tried = torch.cat((chosen, torch.randint_like(chosen, intents.codes)), dim=1)
        error = measure(expected + intents(foreseen, tried), target[:, None])
        best, spare = masked_mean(error[:, 0], mask), masked_mean(error[:, 1], mask)
        rate = masked_mean(-prior.transpose(1, 2).gather(1, chosen)[:, 0], known)
        share = usage(chosen[:, 0], intents.codes, known)
        terms.total = terms.total + self.weight * ((1 - self.spare) * best + self.spare * spare + self.rate * rate)
        terms.extra |= {
            "intent_error": best.detach(),
            "intent_rate": rate.detach(),
            "codes_used": codes_in_use(share),
        }
