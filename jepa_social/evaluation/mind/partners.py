"""Capability E, the closed loop: who offers things to partners, and what each of them has to learn from.

Every ego offers the one of four things that it thinks most likely to be accepted, sees what the partner does, and
updates what it knows of the partner; the loop is cut in one place at a time. Who only reads is told who it was that
made the offers (`worlds.menus.ALIKE`), and has to have learned from logs what that is worth.
"""

from dataclasses import replace
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.inverse_planning import Posterior, ValueObserver
from jepa_social.mind.acquaintance import Acquaintance
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.menus import ALIKE, OFFER_BETA, VALUES, Partners, generator, habitual, haggled

SITUATION, ACT = VALUES + len(ALIKE), 2
ACCEPT = 0
_READ = 2 * 10**9
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
        source: who makes the offers that it observes, of `ALIKE`.
    """

    def __init__(
        self, model: PersonModel, people: int, rounds: int | None = None, compares: bool = True, source: str = "me"
    ):
        self.known = Acquaintance(model, people)
        self.left, self.compares, self.source = rounds, compares, list(ALIKE).index(source)

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return self.known.log_prob(offered(offers), RESPONSES.expand(*offers.shape[:2], 2, 2))[..., ACCEPT].exp()

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""
        if self.left == 0:
            return
        if not self.compares:
            accepted = self.chance(offer[:, None])[:, 0] > 0.5
        choice = torch.where(accepted, ACCEPT, 1 - ACCEPT)
        self.known.observe(offered(offer, self.source), RESPONSES.expand(len(offer), 2, 2), choice)
        self.left = None if self.left is None else self.left - 1

    def read(self, offers: Float[Tensor, "B T V"], accepted: Bool[Tensor, "B T"]) -> None:
        """Take many observations in at once."""
        self.known.read(as_interactions(offers, accepted, self.source))


class Ideal:
    """The exact observer of partners of the population that models are trained on (see `inverse_planning`).

    Args:
        people: B.
        rounds: after so many observations it no longer updates.
        source: who makes the offers that it observes, of `ALIKE`, or how much alike they are treated (0..1): if w' is
            what offers to them reveal, w | w' ~ N(c w', (1 - c^2) I).
    """

    def __init__(self, people: int, rounds: int | None = None, source: str | float = "me"):
        self.observer, self.left = ValueObserver(OFFER_BETA, samples=256, refined=1), rounds
        self.alike = ALIKE[source] if isinstance(source, str) else source
        self.menu, self.choice = torch.zeros(people, 0, 2, VALUES), torch.zeros(people, 0, dtype=torch.long)
        self.posterior = self._posterior()

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """See `Ego`."""
        return self.posterior.log_prob(_or_nothing(offers))[..., ACCEPT].exp()

    def observe(self, offer: Float[Tensor, "B V"], accepted: Bool[Tensor, "B"]) -> None:
        """See `Ego`."""
        if self.left == 0:
            return
        self.read(offer[:, None], accepted[:, None])
        self.left = None if self.left is None else self.left - 1

    def read(self, offers: Float[Tensor, "B T V"], accepted: Bool[Tensor, "B T"]) -> None:
        """Take many observations in at once."""
        self.menu = torch.cat((self.menu, _or_nothing(offers)), dim=1)
        self.choice = torch.cat((self.choice, torch.where(accepted, ACCEPT, 1 - ACCEPT)), dim=1)
        self.posterior = self._posterior()

    def _posterior(self) -> Posterior:
        found = self.observer.posterior(self.menu, self.choice)
        if self.alike == 1:
            return found
        own = torch.randn(found.values.shape, generator=generator(self.observer.seed))
        return replace(found, values=self.alike * found.values + (1 - self.alike**2) ** 0.5 * own)


class Informed:
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


def partner_logs(people: int, rounds: int, seed: int, read: float = 0.0) -> Interactions:
    """Logs to learn from: partners of the common population, and what they were offered (see `haggled`).

    A share `read` of them is seen with somebody first, anyone of `ALIKE`, who haggles or (one half) has a habit of any
    strength; after a number of rounds, any up to the last, the ego takes over.
    """
    partners = Partners(people, rounds, seed)
    own = haggled(partners, seed + 1)
    if not read:
        return as_interactions(*own)
    chance = generator(seed + _READ)
    source = torch.randint(len(ALIKE), (people,), generator=chance)
    another = partners.before_another(torch.tensor(list(ALIKE.values()))[source])
    share = torch.rand(3, people, generator=chance)
    ways = haggled(another, seed + _READ + 1), habitual(another, share[0], seed + 2 * _READ)
    until = torch.where(share[1] < read, torch.randint(rounds, (people,), generator=chance), 0)[:, None]
    now = torch.arange(rounds).expand(people, -1)
    rows, first = torch.arange(people)[:, None], now < until
    offer, accepted = (
        torch.where(
            first.reshape(*first.shape, *[1] * (mine.ndim - 2)),
            torch.where((share[2] < 0.5).reshape(-1, *[1] * (mine.ndim - 1)), one, other),
            mine[rows, (now - until).clamp(min=0)],
        )
        for mine, one, other in zip(own, *ways, strict=True)
    )
    return as_interactions(offer, accepted, torch.where(first, source[:, None], 0))


def as_interactions(
    offer: Float[Tensor, "B T V"], accepted: Bool[Tensor, "B T"], source: int | Int[Tensor, "B T"] = 0
) -> Interactions:
    """Offers and responses as a `PersonModel` sees them; `source`: who offered, its place in `ALIKE`."""
    acts = RESPONSES.expand(*accepted.shape, 2, 2)
    choice = torch.where(accepted, ACCEPT, 1 - ACCEPT)
    return Interactions(offered(offer, source), acts, choice, torch.ones_like(accepted))


def offered(offer: Float[Tensor, "*n V"], source: int | Int[Tensor, "*n"] = 0) -> Float[Tensor, "*n F"]:
    """The situation of being offered something by somebody."""
    who = torch.as_tensor(source).expand(offer.shape[:-1])
    return torch.cat((offer, torch.nn.functional.one_hot(who, len(ALIKE)).to(offer)), dim=-1)


def _or_nothing(offers: Float[Tensor, "... V"]) -> Float[Tensor, "... 2 V"]:
    """An offer as a choice between it and nothing, which is worth nothing."""
    return torch.stack((offers, torch.zeros_like(offers)), dim=-2)
