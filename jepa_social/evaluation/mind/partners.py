"""Capability E, the closed loop: who offers things to partners, and what each of them has to learn from.

Every ego offers the one of four things that it thinks most likely to be accepted, sees what the partner does, and
updates what it knows of the partner; the loop is cut in one place at a time.
"""

from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.evaluation.mind.inverse_planning import Posterior, ValueObserver
from jepa_social.mind.acquaintance import Acquaintance
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.menus import OFFER_BETA, VALUES, Partners, haggled

SITUATION, ACT = VALUES, 2
ACCEPT = 0
RESPONSES = torch.eye(2)
"""What a partner can do: accept, or refuse."""


class Ego(Protocol):
    """Somebody who meets B partners."""

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """How likely it thinks each offer to be accepted."""
        ...

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """What came of an offer."""
        ...


class Learner:
    """A `PersonModel` that has met many others.

    Args:
        model: trained on logs of them.
        people: B.
        rounds: after so many observations it no longer updates.
        compares: if not, it updates as if what it thought most likely had come true, whatever did.
    """

    def __init__(self, model: PersonModel, people: int, rounds: int | None = None, compares: bool = True):
        self.known = Acquaintance(model, people)
        self.left, self.compares = rounds, compares

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return self.known.log_prob(offers, RESPONSES.expand(*offers.shape[:2], 2, 2))[..., ACCEPT].exp()

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""
        if self.left == 0:
            return
        if not self.compares:
            accepted = self.chance(offer[:, None])[:, 0] > 0.5
        self.known.observe(offer, RESPONSES.expand(len(offer), 2, 2), torch.where(accepted, ACCEPT, 1 - ACCEPT))
        self.left = None if self.left is None else self.left - 1


class Ideal:
    """The exact observer of partners of the population that models are trained on (see `inverse_planning`).

    Args:
        people: B.
        rounds: after so many observations it no longer updates.
    """

    def __init__(self, people: int, rounds: int | None = None):
        self.observer, self.left = ValueObserver(OFFER_BETA, samples=256, refined=1), rounds
        self.menu, self.choice = torch.zeros(people, 0, 2, VALUES), torch.zeros(people, 0, dtype=torch.long)
        self.posterior: Posterior = self.observer.posterior(self.menu, self.choice)

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return self.posterior.log_prob(_or_nothing(offers))[..., ACCEPT].exp()

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""
        if self.left == 0:
            return
        self.menu = torch.cat((self.menu, _or_nothing(offer)[:, None]), dim=1)
        self.choice = torch.cat((self.choice, torch.where(accepted, ACCEPT, 1 - ACCEPT)[:, None]), dim=1)
        self.posterior = self.observer.posterior(self.menu, self.choice)
        self.left = None if self.left is None else self.left - 1


class Oracle:
    """Knows the values."""

    def __init__(self, partners: Partners):
        self.partners = partners

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return self.partners.chance(offers)

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""


class Careless:
    """Offers anything, each thing as likely as any other, and learns nothing: whose logs a passive reader may get."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return torch.rand(offers.shape[:2], generator=self.generator)

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""


def partner_logs(people: int, rounds: int, seed: int) -> Interactions:
    """Logs to learn from: partners of the common population, and offers that others made them (see `haggled`)."""
    return as_interactions(*haggled(Partners(people, rounds, seed), seed + 1))


def as_interactions(offer: Float[Tensor, "B T V"], accepted: Bool[Tensor, "B T"]) -> Interactions:
    """Offers and responses as a `PersonModel` sees them."""
    acts = RESPONSES.expand(*accepted.shape, 2, 2)
    return Interactions(offer, acts, torch.where(accepted, ACCEPT, 1 - ACCEPT), torch.ones_like(accepted))


def _or_nothing(offers: Float[Tensor, "... V"]) -> Float[Tensor, "... 2 V"]:
    """An offer as a choice between it and nothing, which is worth nothing."""
    return torch.stack((offers, torch.zeros_like(offers)), dim=-2)
