"""Capability D in four situations: what an ego believes that people think of it, scored by what they think and do.

The generative model: `worlds/tolerance.py`. People are met one interaction after the other, of situations and
intensities that nobody chose. After n interactions a mind is asked about every situation at every intensity: which
evaluation it expects, against the true one; and how likely it takes each behaviour to be, against behaviours that
those people do show, `DRAWS` times.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.evaluation.mind.tolerance_observer import Mind, features
from jepa_social.models.person import Interactions
from jepa_social.worlds.tolerance import (
    BEHAVIOURS,
    PAST,
    REACHES,
    SITUATIONS,
    Dealings,
    behave,
    occasions,
    tolerances,
)

ASKED = (0, 5, 20, 60)
"""Interactions after which a mind is asked."""
DRAWS = 4
CELLS = len(SITUATIONS) * REACHES
MINDED = -0.1
"""An evaluation below is disapproval."""
BINS = 10


@dataclass
class AskedPeople:
    """N people, what passes between them and the ego, and what they would think and do in all C = 16 cells.

    Attributes:
        tolerance: hidden.
        lived: what passes.
        evaluation: true, of each cell.
        behaviour: shown in each cell, `DRAWS` times.
    """

    tolerance: Float[Tensor, "N 4"]
    lived: Dealings
    evaluation: Float[Tensor, "N C"]
    behaviour: Int[Tensor, "N C {DRAWS}"]


def cells(count: int) -> tuple[Int[Tensor, "N C"], Int[Tensor, "N C"]]:
    """Every situation at every intensity."""
    index = torch.arange(CELLS).expand(count, -1)
    return index // REACHES, index % REACHES


def past_dealings(count: int, steps: int, seed: int, mean: tuple[float, ...] = PAST) -> Dealings:
    """Logs of people of a population."""
    generator = torch.Generator().manual_seed(seed)
    tolerance = tolerances(count, mean, generator)
    return behave(tolerance, *occasions(count, steps, generator), generator)


def acquaint(count: int, seed: int, mean: tuple[float, ...]) -> AskedPeople:
    """People of a population and as many interactions as a mind is ever asked after."""
    generator = torch.Generator().manual_seed(seed)
    tolerance = tolerances(count, mean, generator)
    lived = behave(tolerance, *occasions(count, max(ASKED), generator), generator)
    situation, intensity = (index.repeat_interleave(DRAWS, 1) for index in cells(count))
    asked = behave(tolerance, situation, intensity, generator)
    return AskedPeople(tolerance, lived, asked.evaluation[:, ::DRAWS], asked.behaviour.view(count, CELLS, DRAWS))


def as_interactions(dealings: Dealings) -> Interactions:
    """What a model sees: what the ego did, and what they did. No evaluation, nobody's tolerance."""
    acts = torch.eye(len(BEHAVIOURS)).expand(*dealings.behaviour.shape, -1, -1)
    known = torch.ones_like(dealings.behaviour, dtype=torch.bool)
    return Interactions(features(dealings.situation, dealings.intensity), acts, dealings.behaviour, known)


Told = dict[int, tuple[Float[Tensor, "N C"], Float[Tensor, "N C 5"]]]
"""n to the evaluation expected of each cell, and the probability of each behaviour."""


def live_through(mind: Mind, lived: Dealings) -> Told:
    """What a mind says after `ASKED` interactions, as many of them as there are."""
    situation = features(lived.situation, lived.intensity)
    count, steps = lived.situation.shape
    asked = features(*cells(count)).unbind(1)
    told: Told = {}
    for t in range(steps + 1):
        if t in ASKED:
            told[t] = (
                torch.stack([mind.reward(c) for c in asked], 1),
                torch.stack([mind.expects(c) for c in asked], 1),
            )
        if t < steps:
            mind.observe(situation[:, t], lived.behaviour[:, t])
    return told


def tolerance_columns(told: Told, people: AskedPeople) -> Columns:
    """Scores after each n, over all cells and of each situation: `<score>_<n>` and `<score>_<situation>_<n>`.

    - `judged`, `judged_bias`: mean |expected - true evaluation|, and without the bars
    - `needless`, `unaware`: share of cells of which disapproval is expected and there is none (embarrassment without
      cause), and the reverse (obliviousness); disapproval is an evaluation below `MINDED`
    - `shown_nll`, `shown_ece`: negative log-likelihood (nats) of what they do, and expected calibration error
      (Guo et al. 2017).
    """
    places: dict[str, slice] = {"": slice(None)}
    places |= {f"{name}_": slice(i * REACHES, (i + 1) * REACHES) for i, name in enumerate(SITUATIONS)}
    truth, columns = people.evaluation, Columns()
    for n, (expected, odds) in told.items():
        each = {
            "judged": (expected - truth).abs(),
            "judged_bias": expected - truth,
            "needless": ((expected < MINDED) & (truth >= MINDED)).float(),
            "unaware": ((expected >= MINDED) & (truth < MINDED)).float(),
            "shown_nll": -odds.log().gather(-1, people.behaviour).mean(-1),
        }
        for place, rows in places.items():
            columns |= {f"{score}_{place}{n}": v[:, rows].double().mean(1).numpy() for score, v in each.items()}
            error = calibration_error(odds[:, rows], people.behaviour[:, rows])
            columns[f"shown_ece_{place}{n}"] = error.numpy()
    return columns


def calibration_error(odds: Float[Tensor, "N C 5"], behaviour: Int[Tensor, "N C D"]) -> Float[Tensor, "N"]:
    """Each person's part in the expected calibration error: the mean over people is the error of all together.

    With confidence the greatest probability, in `BINS` bins over all people, ECE = mean |confidence - hits|, the bars
    around a bin's mean. A person's part carries the sign of each bin, so an interval over people takes signs as given.
    """
    confidence, top = odds.double().max(-1)
    gap = confidence - (behaviour == top[..., None]).double().mean(-1)
    index = (confidence * BINS).long().clamp(max=BINS - 1)
    total = torch.zeros(BINS, dtype=torch.float64).index_add_(0, index.flatten(), gap.flatten())
    return (total.sign()[index] * gap).mean(1)
