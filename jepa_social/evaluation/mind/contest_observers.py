"""Who else foresees people at a gate: exact observers, who know how people come to decide, and two floors."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.contests import UNMET, Foreseer, Histories, log_likelihood
from jepa_social.worlds.village.manners import EXPLORE, INSIST, PAYOFF, RATE, customary


class RuleObserver:
    """Bayes over the three rules that learn, each as likely at first (see `worlds.village.manners`)."""

    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """See `Foreseer`."""
        said = torch.stack((_stays_or_shifts(past), _returns(past), _learns(past)))
        likely = log_likelihood(said[..., :-1], past.theirs)
        rules = torch.where(past.known, likely, 0.0).sum(-1).softmax(0)
        return (rules * said[:, torch.arange(len(past.count)), past.count]).sum(0)


def _stays_or_shifts(past: Histories) -> Float[Tensor, "P T+1"]:
    won = PAYOFF[past.theirs, past.mine] > 0
    return F.pad(torch.where(won, past.theirs, 1 - past.theirs).float(), (1, 0), value=0.5)


def _returns(past: Histories) -> Float[Tensor, "P T+1"]:
    return F.pad(past.mine.float(), (1, 0), value=0.0)


def _learns(past: Histories) -> Float[Tensor, "P T+1"]:
    value, said = torch.zeros(len(past.count), 2), [torch.full((len(past.count),), 0.5)]
    for mine, theirs in zip(past.mine.unbind(1), past.theirs.unbind(1), strict=True):
        old = value.gather(1, theirs[:, None])
        value = value.scatter(1, theirs[:, None], old + RATE * (PAYOFF[theirs, mine][:, None] - old))
        said.append(EXPLORE / 2 + (1 - EXPLORE) * (value[:, INSIST] > value[:, 1 - INSIST]).float())
    return torch.stack(said, 1)


class HabitObserver:
    """Bayes over the habits of people with customs, by importance sampling from N(mean, spread^2).

    Args:
        mean, spread: of push, order and grudge in the population that it expects.
        samples, seed: of it.
    """

    def __init__(self, mean: Float[Tensor, "3"], spread: Float[Tensor, "3"], samples: int = 1000, seed: int = 0):
        drawn = torch.randn(samples, 3, generator=torch.Generator().manual_seed(seed))
        self.habit = mean + spread * drawn

    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """See `Foreseer`."""
        said = insisting(self.habit, past.before()[..., None], past.order[..., None])
        likely = log_likelihood(said, past.theirs[..., None])
        weight = torch.where(past.known[..., None], likely, 0.0).sum(1).softmax(-1)
        return (weight * insisting(self.habit, past.last()[:, None], order[:, None])).sum(-1)


def insisting(habit: Float[Tensor, "*n 3"], last: Int[Tensor, "*n"], order: Int[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Probability that people of a habit insist with somebody who did `last` and has waited so long (1: longer)."""
    return customary(habit, -order, torch.where(last == UNMET, 0, 2 * last - 1))


class CountedContests:
    """How often this person has insisted with me so far: (insisted + 1) / (met + 2) (Laplace)."""

    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """See `Foreseer`."""
        return ((past.theirs * past.known).sum(1) + 1) / (past.count + 2)


class NoMemory:
    """Takes everybody for somebody never met."""

    def __init__(self, other: Foreseer):
        self.other = other

    def chance(self, past: Histories, order: Int[Tensor, "P"], who: Int[Tensor, "P"]) -> Float[Tensor, "P"]:
        """See `Foreseer`."""
        return self.other.chance(Histories.none(len(past.count)), order, who)
