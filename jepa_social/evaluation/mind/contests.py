"""Contests at a gate as histories of pairs: what a model of people learns from, and what an ego decides by.

Whoever an ego meets, it knows what either of them did in their contests so far, and who of them had waited longer. It
plans with what it foresees: what each of its two moves brings it and, by how much it cares, the other, now and in the
contests to come, in which it will choose in the same way.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.village.gate import Meetings
from jepa_social.worlds.village.manners import INSIST, PAYOFF, YIELD

SITUATION, ACT = 4, 2
UNMET = -1
LEAST = 1e-6
"""The least probability of a move: nobody who foresees leaves no room for doubt."""


@dataclass
class Histories:
    """Contests of P pairs so far, oldest first.

    Attributes:
        mine, theirs: moves.
        order: who had waited longer, as `Meetings.order`.
        count: how many contests; entries beyond mean nothing.
    """

    mine: Int[Tensor, "P T"]
    theirs: Int[Tensor, "P T"]
    order: Int[Tensor, "P T"]
    count: Int[Tensor, "P"]

    @staticmethod
    def none(pairs: int) -> "Histories":
        """Nobody has met."""
        empty = torch.zeros(pairs, 0, dtype=torch.long)
        return Histories(empty, empty, empty, torch.zeros(pairs, dtype=torch.long))

    @staticmethod
    def cat(parts: "list[Histories]") -> "Histories":
        """All pairs of several."""
        most = max(part.mine.shape[1] for part in parts)

        def every(name: str) -> Tensor:
            return torch.cat([F.pad(getattr(part, name), (0, most - part.mine.shape[1])) for part in parts])

        count = torch.cat([part.count for part in parts])
        return Histories(every("mine"), every("theirs"), every("order"), count)

    def __getitem__(self, which: Tensor | slice) -> "Histories":
        """Some of the pairs."""
        return Histories(self.mine[which], self.theirs[which], self.order[which], self.count[which])

    @property
    def known(self) -> Bool[Tensor, "P T"]:
        """Which entries are contests that took place."""
        return torch.arange(self.mine.shape[1]) < self.count[:, None]

    def before(self) -> Int[Tensor, "P T"]:
        """What I had done last when each contest began; `UNMET` in the first."""
        return F.pad(self.mine, (1, 0), value=UNMET)[:, :-1]

    def last(self) -> Int[Tensor, "P"]:
        """What I did last; `UNMET` before the first contest."""
        if not self.mine.shape[1]:
            return torch.full_like(self.count, UNMET)
        found = self.mine.gather(1, (self.count - 1).clamp(min=0)[:, None])[:, 0]
        return torch.where(self.count > 0, found, UNMET)

    def after(self, who: Int[Tensor, "Q"], mine: Tensor, theirs: Tensor, order: Tensor) -> "Histories":
        """With one more contest of the pairs `who`."""
        full = len(who) > 0 and int(self.count[who].max()) == self.mine.shape[1]
        place = self.count[who]

        def grown(part: Tensor, new: Tensor) -> Tensor:
            part = F.pad(part, (0, 1)) if full else part.clone()
            part[who, place] = new
            return part

        count = self.count.clone()
        count[who] += 1
        return Histories(grown(self.mine, mine), grown(self.theirs, theirs), grown(self.order, order), count)


def pair_rows(met: Meetings, agents: int) -> Int[Tensor, "M"]:
    """The row of `histories` that each contest belongs to: ((scene * N) + me) * N + other."""
    return (met.scene * agents + met.me) * agents + met.other


def histories(met: Meetings, agents: int) -> Histories:
    """Of every ordered pair of every village (`pair_rows`), those with oneself empty."""
    pair = pair_rows(met, agents)
    count = torch.bincount(pair, minlength=len(met.crossing) * agents**2)
    by_pair = pair.argsort(stable=True)
    place = torch.arange(len(pair)) - (count.cumsum(0) - count).repeat_interleave(count)

    def placed(value: Tensor) -> Tensor:
        part = torch.zeros(len(count), int(count.max()), dtype=torch.long)
        part[pair[by_pair], place] = value[by_pair]
        return part

    return Histories(placed(met.mine), placed(met.theirs), placed(met.order), count)


def situations(last: Int[Tensor, "*n"], order: Int[Tensor, "*n"]) -> Float[Tensor, "*n {SITUATION}"]:
    """What a contest is like for a model: what I did last, and who has waited longer."""
    return torch.stack((last == YIELD, last == INSIST, order < 0, order > 0), dim=-1).float()


def as_interactions(past: Histories) -> Interactions:
    """What a model sees: a person's moves, and the situations in which they were made."""
    acts = torch.eye(ACT).expand(*past.mine.shape, ACT, ACT)
    return Interactions(situations(past.before(), past.order), acts, past.theirs, past.known)


def log_likelihood(insists: Float[Tensor, "*n"], move: Int[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Log-probability of the moves that were made, if insisting was foreseen with probability `insists`."""
    return torch.where(move == INSIST, insists, 1 - insists).clamp(min=LEAST).log()


class Foreseer(Protocol):
    """Whoever says what others will do."""

    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """Probability that villager `who` will insist, after such a past with me."""
        ...


class LearnedForeseer:
    """A `PersonModel` that learned from logs of contests, or one for each of many lives.

    Args:
        models: one, or as many as there are lives.
        pairs: of a life.
    """

    def __init__(self, models: list[PersonModel], pairs: int = 1):
        self.models, self.pairs = models, pairs

    @torch.no_grad()
    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """See `Foreseer`."""
        if len(self.models) == 1:
            return _told(self.models[0], past, order)
        life, said = who // self.pairs, torch.zeros(len(who))
        for one in life.unique().tolist():
            his = life == one
            said[his] = _told(self.models[one], past[his], order[his])
        return said


def _told(model: PersonModel, past: Histories, order: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
    logs = as_interactions(past)
    latent = model.encode(logs.situation, logs.act, logs.known)[torch.arange(len(past.count)), past.count]
    acts = torch.eye(ACT).expand(len(past.count), ACT, ACT)
    return model.log_prob(latent, situations(past.last(), order), acts)[:, INSIST].exp()


def plan(
    foreseer: Foreseer, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"], care: float, ahead: int
) -> Float[Tensor, "P 2"]:
    """What yielding and insisting are worth: expected payoff, and `care` times the other's, of this contest and of the
    next `ahead - 1`, in all of which I do what is worth most. In those to come nobody will have waited longer."""
    insists = foreseer.chance(past, order, who)
    chance = torch.stack((1 - insists, insists), -1)
    worth = (chance @ (PAYOFF + care * PAYOFF.T).T).to(chance)
    if ahead == 1:
        return worth
    rows = torch.arange(len(who)).repeat_interleave(4)
    mine, theirs = (side.repeat(len(who)) for side in torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]]))
    then = past[rows].after(torch.arange(len(rows)), mine, theirs, order[rows])
    later = plan(foreseer, then, torch.zeros_like(mine), who[rows], care, ahead - 1).amax(-1).view(-1, 2, 2)
    return worth + (chance[:, None] * later).sum(-1)


class GateEgo:
    """Somebody who goes through the gates of many villages.

    Args:
        foreseer: says what others will do.
        pairs: how many others there are in all villages.
        care: how much it cares for what contests bring others; 0 is selfish, 1 counts others like oneself.
        ahead: contests it plans for.
        learns: whether it remembers what others did.
        compares: if not, it remembers what it thought likeliest in place of what they did.

    Attributes:
        past: what it remembers.
        surprise: nats at each contest that it observed, in order of time.
        foreseen: the probability of insisting that it gave to them.
    """

    def __init__(
        self,
        foreseer: Foreseer,
        pairs: int,
        care: float = 1.0,
        ahead: int = 3,
        learns: bool = True,
        compares: bool = True,
    ):
        self.foreseer, self.care, self.ahead = foreseer, care, ahead
        self.learns, self.compares = learns, compares
        self.past = Histories.none(pairs)
        self.foreseen: list[Tensor] = []
        self.surprise: list[Tensor] = []

    def choose(self, who: Int[Tensor, "P"], order: Int[Tensor, "P"]) -> Int[Tensor, "P"]:
        """See `Decider`."""
        return plan(self.foreseer, self.past[who], order, who, self.care, self.ahead).argmax(-1)

    def observe(
        self, who: Int[Tensor, "P"], mine: Int[Tensor, "P"], theirs: Int[Tensor, "P"], order: Int[Tensor, "P"]
    ) -> None:
        """See `Decider`."""
        insists = self.foreseer.chance(self.past[who], order, who)
        self.foreseen.append(insists)
        self.surprise.append(-log_likelihood(insists, theirs))
        if self.learns:
            self.past = self.past.after(who, mine, theirs if self.compares else (insists > 0.5).long(), order)

    def read(self, met: Meetings) -> None:
        """Take in a frame of somebody else's contests in its place, with the same others."""
        met = met.rows(met.me == 0)
        others = len(self.past.count) // len(met.crossing)
        self.past = self.past.after(met.scene * others + met.other - 1, met.mine, met.theirs, met.order)
