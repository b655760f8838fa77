"""The closed loop at a gate: pretrained among people who queue, an ego meets people who push in.

The generative model: `worlds.village.manners`, the custom rule, everybody with a habit of their own around the mean of
their people (`QUEUERS`, `PUSHERS`). Who queues goes if it has waited longer, and returns what it got; who pushes in
does so whoever waited, all the more with somebody who let it, and less with somebody who stood firm. An encounter is
some days at a gate with three people whom the ego has never met.
"""

from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from jepa_social.evaluation.mind.contest_observers import insisting
from jepa_social.evaluation.mind.contests import UNMET, GateEgo, Histories, pair_rows
from jepa_social.worlds.village.gate import Days, Meetings, joined
from jepa_social.worlds.village.manners import ALWAYS, PAYOFF, RULES, Manners

AGENTS = 4
OTHERS = AGENTS - 1
QUEUERS, PUSHERS, SPREAD = (-0.5, 3.0, 0.5), (1.0, 0.3, -1.0), (0.7, 0.7, 0.5)
"""Mean push, order and grudge of the people of the logs and of those met, and how much persons differ."""
COIN, PATIENT, ONE_OF_THEM = "a coin", "the patient", "one of them"
"""Who makes the logs that readers get: it tosses a coin, always yields, or is one of those people."""


def people(count: int, mean: tuple[float, float, float], seed: int) -> Manners:
    """Strangers of a population in `count` villages; agent 0 tosses coins until somebody decides for it."""
    chance = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, AGENTS, 3, generator=chance)
    habit = torch.tensor(mean) + torch.tensor(SPREAD) * drawn
    habit[:, 0] = 0.0
    rule = torch.full((count, AGENTS), RULES.index("custom"))
    return Manners.strangers(rule, torch.rand(count, AGENTS, generator=chance), habit)


def standing_in(known: Manners, who: str, mean: tuple[float, float, float]) -> Manners:
    """The same people with somebody else in the ego's place."""
    habit = known.habit.clone()
    habit[:, 0] = torch.tensor({COIN: (0.0, 0.0, 0.0), PATIENT: (-ALWAYS, 0.0, 0.0), ONE_OF_THEM: mean}[who])
    return replace(known, habit=habit)


@dataclass
class GateEncounter:
    """What came of the days of L egos, each with three people; `[L]` each, means over contests, NaN without any.

    Attributes:
        surprise: nats at what they did.
        off, bias: the foreseen probability of insisting minus the true one, without a sign and with it.
        own, others: payoff for the ego and for the other.
        clash: share of clashes.
        crossing: frames until the ego was through.
        learned: what was learned from: histories of L * 3 pairs.
    """

    surprise: np.ndarray
    off: np.ndarray
    bias: np.ndarray
    own: np.ndarray
    others: np.ndarray
    clash: np.ndarray
    crossing: np.ndarray
    learned: Histories


def encounter(
    ego: GateEgo, mean: tuple[float, float, float], days: int, frames: int, seeds: range, reads: str | None = None
) -> GateEncounter:
    """Live some days with people of a population.

    Args:
        ego: of all lives, who meets them for the first time. Reading, it should not learn from its own contests.
        mean: of their habits.
        days, frames: how many days, and how long each is.
        seeds: one a life; the first is that of the people too.
        reads: whose contests with the same people it reads, frame by frame; None: nobody's.
    """
    known = people(len(seeds), mean, seeds[0])
    mine = Days(seeds, known, AGENTS, frames)
    theirs = None if reads is None else Days(seeds, standing_in(known, reads, mean), AGENTS, frames)
    parts = []
    for _ in range(days):
        others = repeat(None) if theirs is None else theirs.frames()
        for part, other in zip(mine.frames(ego), others, strict=False):
            parts.append(part)
            if other is not None:
                ego.read(other)
    met = joined(parts)
    met = met.rows(met.me == 0)
    foreseen, surprise = torch.cat([torch.zeros(0), *ego.foreseen]), torch.cat([torch.zeros(0), *ego.surprise])
    truth = insisting(known.habit[met.scene, met.other], previous(met), met.order)
    return GateEncounter(
        surprise=met.over_scenes(surprise),
        off=met.over_scenes((foreseen - truth).abs()),
        bias=met.over_scenes(foreseen - truth),
        own=met.over_scenes(PAYOFF[met.mine, met.theirs]),
        others=met.over_scenes(PAYOFF[met.theirs, met.mine]),
        clash=met.over_scenes(met.clash.float()),
        crossing=met.crossing[..., 0].double().mean(1).numpy(),
        learned=ego.past,
    )


def previous(met: Meetings) -> Int[Tensor, "M"]:
    """What I had done last in each contest, `UNMET` if it was the first with that person."""
    pair = pair_rows(met, AGENTS)
    by_pair = pair.argsort(stable=True)
    before = met.mine[by_pair].roll(1)
    before[torch.cat((torch.ones(1, dtype=torch.bool), pair[by_pair].diff() != 0))[: len(pair)]] = UNMET
    return torch.empty_like(before).scatter(0, by_pair, before)
