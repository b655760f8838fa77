"""When does one need to act? What a reader of somebody else's log of a partner knows in the end, against an actor.

Two things set such a log apart from one's own (DAgger's argument for acting: Ross, Gordon & Bagnell 2011): the partner
may treat whoever made it otherwise than me, and it may not cover what I would do. Both are varied one at a time, from
nothing to everything: how much `alike` we are treated, and how strong the logger's `habit` is.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.encounters import cross_entropy
from jepa_social.evaluation.mind.partners import Ego, Ideal, Learner
from jepa_social.models.person import PersonModel
from jepa_social.worlds.menus import ALIKE, OPTIONS, VALUES, Partners, generator, habitual

LIKENESS = (1.0, 0.9, 0.8, 0.6, 0.4, 0.2, 0.0)
HABITS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
FRESH = 32
"""Menus that were never on offer, before which everybody is asked in the end."""


@dataclass
class Settled:
    """How well somebody does who knows all that there was to know of B partners, and learns no more.

    Attributes:
        accept: expected acceptance of what it would offer in fresh menus.
        probe: nats, surprise on offers drawn at random, expected.
    """

    accept: Float[Tensor, "B"]
    probe: Float[Tensor, "B"]


Ends = dict[str, dict[str, dict[float, Settled]]]
"""`{alike, habit: {learned, exact: {how much: what a reader knows in the end}}}`, and `acting`, of those who act."""


def settled(ego: Ego, partners: Partners, seed: int) -> Settled:
    """Ask without telling what came of it; menus are those of the seed."""
    people = len(partners.mood)
    fresh = torch.randn(people, FRESH * OPTIONS, VALUES, generator=generator(seed))
    told, truth = ego.chance(fresh), partners.chance(fresh)
    pick = told.reshape(people, FRESH, OPTIONS).argmax(-1, keepdim=True)
    accept = truth.reshape(people, FRESH, OPTIONS).gather(-1, pick)[..., 0].mean(-1)
    return Settled(accept, cross_entropy(told, truth).mean(-1))


def readers(model: PersonModel, partners: Partners, seed: int) -> Ends:
    """What readers know after as many offers as the partners have rounds.

    What varies in likeness holds offers drawn at random, what varies in habit is made by somebody treated as the ego
    is. The learned reader knows three degrees of likeness, those of its logs. The exact one is told.
    """
    people = len(partners.mood)
    sources = {c: name for name, c in ALIKE.items()}

    def after(ego: Learner | Ideal, alike: float, habit: float) -> Settled:
        ego.read(*habitual(partners.before_another(alike), habit, seed))
        return settled(ego, partners, seed + 1)

    def learned(alike: float, habit: float) -> Settled:
        return after(Learner(model, people, source=sources[alike]), alike, habit)

    def exact(alike: float, habit: float) -> Settled:
        return after(Ideal(people, source=alike), alike, habit)

    return {
        "alike": {
            "learned": {alike: learned(alike, 0.0) for alike in LIKENESS if alike in sources},
            "exact": {alike: exact(alike, 0.0) for alike in LIKENESS},
        },
        "habit": {
            "learned": {habit: learned(1.0, habit) for habit in HABITS},
            "exact": {habit: exact(1.0, habit) for habit in HABITS},
        },
    }
