"""Rounds of offering: act, observe, compare, update, act; what came of it, and how surprised the ego was."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.evaluation.mind.partners import Ego
from jepa_social.worlds.menus import Partners

PHASES = {"1": slice(0, 1), "4_6": slice(3, 6), "30_60": slice(29, 60)}
"""Rounds that are scored."""
PROBED = {"1": 0, "4_6": 4, "30_60": 59}
"""Rounds before which the fixed probe set is asked."""
ROUNDS = 60


@dataclass
class Encounters:
    """What B partners were offered in R rounds, and what they did.

    Attributes:
        offer: of each round.
        accepted: whether it was accepted.
        surprise: nats, negative log-likelihood that the ego gave to what the partner did.
        probe: nats, the same on a fixed set of offers that are never made, before some rounds (`PROBED`); expected over
            what the partner would do.
    """

    offer: Float[Tensor, "B R V"]
    accepted: Bool[Tensor, "B R"]
    surprise: Float[Tensor, "B R"]
    probe: dict[str, Float[Tensor, "B"]]

    def columns(self) -> dict[str, np.ndarray]:
        """Scores of each partner in each phase that was played."""
        found: dict[str, np.ndarray] = {}
        for name, phase in PHASES.items():
            if phase.stop <= self.accepted.shape[1]:
                found[f"accept_{name}"] = self.accepted[:, phase].double().mean(1).numpy()
                found[f"surprise_{name}"] = self.surprise[:, phase].double().mean(1).numpy()
        return found | {f"probe_{name}": value.double().numpy() for name, value in self.probe.items()}


def meet(ego: Ego, partners: Partners, probes: Float[Tensor, "B M V"], others: Encounters | None = None) -> Encounters:
    """Play all rounds.

    Args:
        ego: offers, of each menu, what it thinks will most likely be accepted.
        partners: whom it meets.
        probes: the fixed probe set.
        others: what somebody else offered the same partners. If given, the ego only reads: after each round it observes
            theirs and not its own, though it is its own offers that are scored.
    """
    people, rounds = partners.mood.shape
    rows, truth = torch.arange(people), partners.chance(probes)
    probed = {before: name for name, before in PROBED.items()}
    offers, responses, surprise, probe = [], [], [], {}
    for now in range(rounds):
        if now in probed:
            probe[probed[now]] = cross_entropy(ego.chance(probes), truth).mean(-1)
        menu = partners.menu[:, now]
        chance = ego.chance(menu)
        pick = chance.argmax(-1)
        offer, accepted = menu[rows, pick], partners.respond(menu[rows, pick], now)
        offers.append(offer)
        responses.append(accepted)
        surprise.append(cross_entropy(chance[rows, pick], accepted.float()))
        seen = (offer, accepted) if others is None else (others.offer[:, now], others.accepted[:, now])
        ego.observe(*seen)
    return Encounters(torch.stack(offers, 1), torch.stack(responses, 1), torch.stack(surprise, 1), probe)


def cross_entropy(believed: Float[Tensor, "*n"], actual: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Nats, of a belief in acceptance against the true probability of it (or what happened, 0 or 1)."""
    sure = believed.clamp(1e-6, 1 - 1e-6)
    return -(actual * sure.log() + (1 - actual) * (1 - sure).log())


def pooled(parts: list[Encounters]) -> Encounters:
    """Encounters of several egos of a kind with partners of their own."""
    probe = {name: torch.cat([one.probe[name] for one in parts]) for name in parts[0].probe}
    offer, accepted, surprise = (
        torch.cat([getattr(one, field) for one in parts]) for field in ("offer", "accepted", "surprise")
    )
    return Encounters(offer, accepted, surprise, probe)


def logged(offer: Float[Tensor, "B R V"], accepted: Bool[Tensor, "B R"]) -> Encounters:
    """What somebody offered of whom nothing else is known."""
    return Encounters(offer, accepted, torch.zeros(accepted.shape), {})


def yoked(others: Encounters, partners: Partners) -> Encounters:
    """What partners do if each is offered what another one was: offers chosen with care, but for somebody else."""
    offer = others.offer.roll(1, dims=0)
    accepted = [partners.respond(offer[:, now], now) for now in range(offer.shape[1])]
    return logged(offer, torch.stack(accepted, 1))
