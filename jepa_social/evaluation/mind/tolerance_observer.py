"""Who watches people react in four situations without a network: the exact observer, and who merely counts.

The exact observer knows all of `worlds/tolerance.py` but the person, whom it believes at first to be like those of a
population. Given the shared temper c the four situations are independent, so sums over two grids are all it takes: with
L_s(g) the likelihood of what was seen in situation s if the tolerance is g,

    p(c | seen) ~ p(c) prod_s sum_g p(g | c) L_s(g),
    p(tolerance_s = g | seen) ~ L_s(g) sum_c p(c) p(g | c) prod_{s' != s} sum_g' p(g' | c) L_s'(g').

Minds are asked and told like `BelievedReward`: `expects`, `reward`, `observe`.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.worlds.tolerance import (
    BEHAVIOURS,
    LIKENESS,
    PAST,
    REACHES,
    SITUATIONS,
    SPREAD,
    Dealings,
    judged,
    shown,
)

TEMPERS = torch.linspace(-4, 4, 25, dtype=torch.float64)
GRID = SPREAD * torch.linspace(-5, 5, 61, dtype=torch.float64)
"""Tolerance around the population's mean."""


class Mind(Protocol):
    """What an ego believes of N people."""

    def expects(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N 5"]:
        """Probability of each behaviour."""
        ...

    def reward(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N"]:
        """Expected evaluation."""
        ...

    def observe(self, situation: Float[Tensor, "N 16"], reaction: Int[Tensor, "N"]) -> Any:
        """Take a behaviour in."""
        ...


def features(situation: Int[Tensor, "*N"], intensity: Int[Tensor, "*N"]) -> Float[Tensor, "*N 16"]:
    """What an ego knows of an interaction before anybody reacts: the situation and how far it goes, one-hot."""
    return torch.nn.functional.one_hot(situation * REACHES + intensity, len(SITUATIONS) * REACHES).float()


def _cell(situation: Float[Tensor, "N 16"]) -> tuple[Int[Tensor, "N"], Int[Tensor, "N"]]:
    index = situation.argmax(-1)
    return index // REACHES, index % REACHES


@dataclass
class ToleranceObserver:
    """The exact observer.

    Attributes:
        count: N.
        mean: tolerance of the population that it takes people to come from.
        likeness: how much it takes situations to share; 0: each tells of itself alone.
        learns: or its belief stays the prior.
        told: their tolerances, if it is an oracle.
    """

    count: int
    mean: tuple[float, ...] = PAST
    likeness: float = LIKENESS
    learns: bool = True
    told: Float[Tensor, "N 4"] | None = None

    def __post_init__(self):
        deviation = (GRID - SPREAD * self.likeness * TEMPERS[:, None]) / (SPREAD * (1 - self.likeness**2) ** 0.5)
        self.given = (-deviation.square() / 2).softmax(-1)  # [tempers, grid], of any situation
        self.grid = torch.tensor(self.mean, dtype=torch.float64)[:, None] + GRID
        self.log = torch.zeros(self.count, len(SITUATIONS), len(GRID), dtype=torch.float64)
        places = torch.arange(len(SITUATIONS))[:, None, None], torch.arange(REACHES)[:, None]
        shape = (len(SITUATIONS), REACHES, len(GRID))
        self.evaluation = judged(self.grid[:, None].expand(shape), *(p.expand(shape) for p in places))
        self.chance = shown(self.evaluation)
        self.posterior = self._posterior()

    def _posterior(self) -> Float[Tensor, "N 4 G"]:
        likely = (self.log - self.log.amax(-1, keepdim=True)).exp()
        told = torch.einsum("nsg,cg->nsc", likely, self.given).log()
        others = told.sum(1, keepdim=True) - told - TEMPERS.square() / 2
        odds = likely * torch.einsum("nsc,cg->nsg", others.softmax(-1), self.given)
        return odds / odds.sum(-1, keepdim=True)

    def _known(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N"]:
        """Evaluation by people whose tolerance one was told."""
        assert self.told is not None
        which, reach = _cell(situation)
        return judged(self.told.gather(1, which[:, None])[:, 0], which, reach)

    def expects(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N 5"]:
        """Probability of each behaviour."""
        if self.told is not None:
            return shown(self._known(situation))
        which, reach = _cell(situation)
        own = self.posterior[torch.arange(self.count), which]
        return torch.einsum("ng,ngb->nb", own, self.chance[which, reach]).float()

    def reward(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N"]:
        """Expected evaluation."""
        if self.told is not None:
            return self._known(situation)
        which, reach = _cell(situation)
        own = self.posterior[torch.arange(self.count), which]
        return (own * self.evaluation[which, reach]).sum(-1).float()

    def observe(self, situation: Float[Tensor, "N 16"], reaction: Int[Tensor, "N"]) -> None:
        """Take a behaviour in."""
        if self.learns and self.told is None:
            which, reach = _cell(situation)
            self.log[torch.arange(self.count), which] += self.chance[which, reach, :, reaction].log()
            self.posterior = self._posterior()


class Counting:
    """Who counts what somebody did in each situation at each intensity, and takes nothing from one for another.

    It starts from the averages of the past, worth as many interactions as make logs of the past likeliest (a Dirichlet
    prior). Who does not learn expects that average for ever. Behaviours are worth what those who showed them, in the
    same situation at the same intensity, said when asked.

    Args:
        past: logs.
        asked: logs of people who said what they had thought.
        count: N.
        learns: whether it counts at all.
    """

    def __init__(self, past: Dealings, asked: Dealings, count: int, learns: bool = True):
        self.learns = learns
        counts = _counted(past, torch.ones_like(past.evaluation))
        average = counts.sum(0) + 1 / len(BEHAVIOURS)
        average = average / average.sum(-1, keepdim=True)
        weights = torch.logspace(-1, 2, 31)
        weight = weights[torch.stack([_evidence(counts, w * average) for w in weights]).argmax()]
        self.counts = (weight * average).repeat(count, 1, 1, 1)
        said = _counted(asked, asked.evaluation).sum(0)
        often = _counted(asked, torch.ones_like(asked.evaluation)).sum(0)
        usual = said.sum(-1, keepdim=True) / often.sum(-1, keepdim=True).clamp(min=1)
        self.worth = (said + usual) / (often + 1)

    def expects(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N 5"]:
        """Probability of each behaviour."""
        counted = self.counts[(torch.arange(len(situation)), *_cell(situation))]
        return counted / counted.sum(-1, keepdim=True)

    def reward(self, situation: Float[Tensor, "N 16"]) -> Float[Tensor, "N"]:
        """Expected evaluation."""
        return (self.expects(situation) * self.worth[_cell(situation)]).sum(-1)

    def observe(self, situation: Float[Tensor, "N 16"], reaction: Int[Tensor, "N"]) -> None:
        """Take a behaviour in."""
        if self.learns:
            self.counts[(torch.arange(len(situation)), *_cell(situation), reaction)] += 1


def _counted(dealings: Dealings, value: Float[Tensor, "P T"]) -> Float[Tensor, "P 4 4 5"]:
    """Sum of a value over each person's interactions, by situation, intensity and behaviour."""
    sums = torch.zeros(len(value), len(SITUATIONS), REACHES, len(BEHAVIOURS))
    person = torch.arange(len(value))[:, None].expand_as(dealings.behaviour)
    where = (person, dealings.situation, dealings.intensity, dealings.behaviour)
    return sums.index_put_(where, value, accumulate=True)


def _evidence(counts: Float[Tensor, "P 4 4 5"], prior: Float[Tensor, "4 4 5"]) -> Float[Tensor, ""]:
    """Log-probability of counts under a Dirichlet prior, up to a constant."""
    each = torch.lgamma(counts + prior).sum(-1) - torch.lgamma((counts + prior).sum(-1))
    return (each - torch.lgamma(prior).sum(-1) + torch.lgamma(prior.sum(-1))).sum()
