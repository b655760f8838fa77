"""Pretrained on one population, meeting another: people come in cohorts, and what is learned of one serves the next."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.evaluation.mind.encounters import Encounters, meet
from jepa_social.evaluation.mind.partners import Learner, as_interactions
from jepa_social.mind.updating import adapt
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.menus import VALUES, Partners

ROUNDS = 10
EARLY = slice(3, 6)
REMEMBERED = 4
"""Cohorts whose logs a gradient step is taken on."""


@dataclass
class Life:
    """One ego's encounters with cohorts of B partners each, oldest first.

    Attributes:
        cohorts: what happened.
        kept: after which of them the gradient steps were kept.
        model: with which it ended.
    """

    cohorts: list[Encounters]
    kept: list[bool]
    model: PersonModel


def live(
    model: PersonModel,
    mean: Float[Tensor, "V"],
    cohorts: int,
    people: int,
    seed: int,
    updates: bool = True,
    gradient: bool = False,
) -> Life:
    """Meet cohort after cohort of a population whose values have this mean.

    Args:
        model: pretrained on partners of mean 0; left as it is.
        mean: of the values of those it meets.
        cohorts, people: how many cohorts, and partners in each.
        seed: of the partners: everybody with this seed meets the same ones.
        updates: whether it remembers what a partner did (memory in context).
        gradient: whether, after each cohort, it takes guarded gradient steps on the last of them.
    """
    life = Life([], [], model)
    probes = torch.randn(people, 8, VALUES, generator=torch.Generator().manual_seed(seed))
    for number in range(cohorts):
        partners = Partners(people, ROUNDS, seed + number, mean)
        life.cohorts.append(meet(Learner(life.model, people, None if updates else 0), partners, probes))
        if gradient:
            life.model, kept = adapt(life.model, _logs(life.cohorts[-REMEMBERED:]))
            life.kept.append(kept)
    return life


def late_columns(lives: list[Life]) -> dict[str, np.ndarray]:
    """Scores of the partners in the last quarter of all cohorts, one life after the other."""
    late = [one for life in lives for one in life.cohorts[-max(1, len(life.cohorts) // 4) :]]
    accepted = torch.cat([one.accepted for one in late]).double()
    surprise = torch.cat([one.surprise for one in late]).double()
    return {
        "shift_accept_1": accepted[:, 0].numpy(),
        "shift_surprise_1": surprise[:, 0].numpy(),
        "shift_accept_4_6": accepted[:, EARLY].mean(1).numpy(),
        "shift_surprise_4_6": surprise[:, EARLY].mean(1).numpy(),
    }


@torch.no_grad()
def at_home(model: PersonModel, logs: Interactions) -> np.ndarray:
    """Surprise at partners of the population that the model was pretrained on: what adapting made it forget."""
    return model.surprise(logs).double().mean(1).numpy()


def _logs(cohorts: list[Encounters]) -> Interactions:
    offer: Float[Tensor, "B R V"] = torch.cat([one.offer for one in cohorts])
    accepted: Bool[Tensor, "B R"] = torch.cat([one.accepted for one in cohorts])
    return as_interactions(offer, accepted)
