"""People who put up with more or less: what the ego does to them, what they think of it, and what of that shows.

There are four situations: the ego cuts somebody off, crowds somebody, helps somebody who asked, helps somebody who did
not. In each it goes as far as it likes, x = 0 (it refrains), 1/3, 2/3 or 1. Somebody's tolerance is how far is welcome
(or does not matter) before it is minded,

    tolerance_s = mean_s + SPREAD (LIKENESS c + sqrt(1 - LIKENESS^2) u_s),        c, u_s ~ N(0, 1),

c a temper that all four share, so that what somebody puts up with in one situation tells of the others: correlation
LIKENESS^2. What they think of the ego, hidden for ever, lies in [-1, 1]:

    evaluation = clip(WELCOME_s x - MISSED_s (1 - x) - STRICT max(0, x - max(0, tolerance_s))).

What shows is one of five behaviours, each of which goes best with one evaluation; sometimes people have other cares:

    p(behaviour b) = (1 - LAPSE) softmax_b(log OFTEN_b - (evaluation - MEANS_b)^2 / (2 BLUR^2)) + LAPSE / 5.

The people that the ego meets (`NOW`) are laxer about being cut off and stricter about unasked help than those of its
past (`PAST`).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

SITUATIONS = ("cut_off", "crowded", "helped", "unasked")
BEHAVIOURS = ("nothing", "slows down", "turns away", "retaliates", "reciprocates")
REACHES = 4
"""Steps of intensity: x = 0, 1/3, 2/3, 1."""
PAST, NOW = (0.35, 0.5, 0.9, 0.6), (0.65, 0.5, 0.9, 0.3)
"""Mean tolerance in each situation."""
SPREAD, LIKENESS = 0.3, 0.8
WELCOME, MISSED, STRICT = (0.0, 0.0, 0.9, 0.5), (0.0, 0.0, 0.5, 0.0), 1.5
MEANS, OFTEN = (0.0, -0.3, -0.6, -1.0, 0.7), (1.0, 0.5, 0.5, 0.5, 1.0)
BLUR, LAPSE = 0.3, 0.1


@dataclass
class Dealings:
    """What passed between an ego and N people in T interactions.

    Attributes:
        situation: which of `SITUATIONS`.
        intensity: how far the ego went, in steps.
        behaviour: which of `BEHAVIOURS` showed, all that the ego ever sees of what they think.
        evaluation: hidden: for scores, and for logs whose people were asked afterwards.
    """

    situation: Int[Tensor, "N T"]
    intensity: Int[Tensor, "N T"]
    behaviour: Int[Tensor, "N T"]
    evaluation: Float[Tensor, "N T"]


def tolerances(count: int, mean: tuple[float, ...], generator: torch.Generator) -> Float[Tensor, "N 4"]:
    """What people put up with, of a population with this mean."""
    temper = torch.randn(count, 1, generator=generator)
    own = torch.randn(count, len(mean), generator=generator)
    return torch.tensor(mean) + SPREAD * (LIKENESS * temper + (1 - LIKENESS**2) ** 0.5 * own)


def judged(
    tolerance: Float[Tensor, "*N"], situation: Int[Tensor, "*N"], intensity: Int[Tensor, "*N"]
) -> Float[Tensor, "*N"]:
    """Evaluation by somebody of this tolerance in this situation, elementwise."""
    x = intensity.to(tolerance) / (REACHES - 1)
    welcome, missed = (tolerance.new_tensor(table)[situation] for table in (WELCOME, MISSED))
    beyond = (x - tolerance.clamp(min=0)).clamp(min=0)
    return (welcome * x - missed * (1 - x) - STRICT * beyond).clamp(-1, 1)


def shown(evaluation: Float[Tensor, "*N"]) -> Float[Tensor, "*N 5"]:
    """Probability of each behaviour."""
    means, often = evaluation.new_tensor(MEANS), evaluation.new_tensor(OFTEN)
    fit = often.log() - (evaluation[..., None] - means).square() / (2 * BLUR**2)
    return (1 - LAPSE) * fit.softmax(-1) + LAPSE / len(MEANS)


def occasions(count: int, steps: int, generator: torch.Generator) -> tuple[Int[Tensor, "N T"], Int[Tensor, "N T"]]:
    """Situations and intensities as in logs: all alike often."""
    situation = torch.randint(len(SITUATIONS), (count, steps), generator=generator)
    return situation, torch.randint(REACHES, (count, steps), generator=generator)


def behave(
    tolerance: Float[Tensor, "N 4"],
    situation: Int[Tensor, "N T"],
    intensity: Int[Tensor, "N T"],
    generator: torch.Generator,
) -> Dealings:
    """What people think of what the ego does, and show."""
    evaluation = judged(tolerance.gather(1, situation), situation, intensity)
    chance = shown(evaluation).flatten(0, 1)
    behaviour = torch.multinomial(chance, 1, generator=generator).view_as(situation)
    return Dealings(situation, intensity, behaviour, evaluation)
