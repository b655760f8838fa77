"""Cooperation as an outcome: villages of simple learners who meet at a gate, and an ego among them.

Nobody is told to cooperate. Villagers follow rules of `worlds.village.manners`; what is scored is what comes of it,
day after day, beside the same villagers with a memory that does not tell people apart, beside villages that everybody
leaves for another every night, and beside people who toss coins. Every row has the same seeds.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from jepa_social.evaluation.mind.contests import Foreseer, GateEgo, Histories, histories, log_likelihood
from jepa_social.evaluation.mind.scores import Columns
from jepa_social.worlds.village.gate import Days, Meetings, over_scenes
from jepa_social.worlds.village.manners import PAYOFF, RULES, Manners

AGENTS = 4
LEARNERS = {"win-stay-lose-shift": RULES[0], "tit-for-tat": RULES[1], "Q-learning": RULES[2]}
MIX = "a mix"
FACES, STRANGERS = "faces alike", "strangers"
COINS = "all toss coins"
LATE = 4
"""One of so many days, the last, are late; contests with a person from the sixth on are so too."""
SIXTH = 5


def villagers(count: int, seed: int, rule: str | None = None, ego: str | None = None) -> Manners:
    """People who have not met; of one rule of `RULES`, or of the three that learn, dealt out at random.

    Args:
        count: villages of `AGENTS`.
        seed: of rules and first moves.
        rule: see above.
        ego: the rule of agent 0 of each village; None: as the others.
    """
    chance = torch.Generator().manual_seed(seed)
    rules = torch.randint(len(LEARNERS), (count, AGENTS), generator=chance)
    if rule is not None:
        rules = torch.full_like(rules, RULES.index(rule))
    if ego is not None:
        rules[:, 0] = RULES.index(ego)
    return Manners.strangers(rules, torch.rand(count, AGENTS, generator=chance))


def villages(count: int, days: int, frames: int, seed: int) -> dict[str, Meetings]:
    """Life in villages of every rule and kind of memory."""

    def moving_away(day: int, known: Manners) -> Manners:
        chance = torch.Generator().manual_seed(seed + day)
        return Manners.strangers(known.rule, torch.rand(known.rule.shape, generator=chance), known.habit)

    seeds, met = range(seed, seed + count), {}
    for name, rule in {**LEARNERS, MIX: None}.items():
        people = villagers(count, seed, rule)
        met[f"all {name}"] = Days(seeds, people, AGENTS, frames).live(days)
        met[f"all {name}, {FACES}"] = Days(seeds, replace(people, faces=False), AGENTS, frames).live(days)
        met[f"all {name}, {STRANGERS}"] = Days(seeds, people, AGENTS, frames, moving_away).live(days)
    met[COINS] = Days(seeds, villagers(count, seed, "custom"), AGENTS, frames).live(days)
    return met


def day_by_day(met: Meetings) -> Float[np.ndarray, "E D"]:
    """Share of each village's contests of each day that did not end in a clash; NaN where there were none."""
    days = met.crossing.shape[1]
    parts = [met.rows(met.day == day) for day in range(days)]
    return np.stack([part.over_scenes(1 - part.clash.float()) for part in parts], 1)


def village_columns(met: Mapping[str, Meetings]) -> dict[str, Columns]:
    """Scores of each village.

    - `coop_first`, `coop_last`, `coop_gain`: cooperation on the first day, on the late days, and the difference
    - `gained_first`, `gained_last`: payoff of a contest for each of the two
    - `coop_faces`, `coop_strangers`: late cooperation minus that of the same people if they do not tell each other
      apart, if they are strangers every day; `coop_coins`: minus that of people who toss coins.
    """
    found: dict[str, Columns] = {}
    for name, one in met.items():
        first, late = one.day == 0, one.day >= one.crossing.shape[1] * (LATE - 1) // LATE
        columns: Columns = {}
        for when, rows in (("first", first), ("last", late)):
            part = one.rows(rows)
            columns[f"coop_{when}"] = part.over_scenes(1 - part.clash.float())
            columns[f"gained_{when}"] = part.over_scenes(PAYOFF[part.mine, part.theirs])
        columns["coop_gain"] = columns["coop_last"] - columns["coop_first"]
        found[name] = columns
    for name, columns in found.items():
        for score, other in (("faces", f"{name}, {FACES}"), ("strangers", f"{name}, {STRANGERS}"), ("coins", COINS)):
            if other in found and other != name:
                columns[f"coop_{score}"] = columns["coop_last"] - found[other]["coop_last"]
    return found


def among_learners(
    ego: GateEgo | None, count: int, days: int, frames: int, seed: int, rule: str | None = None, push: float = 0.0
) -> Columns:
    """What comes of an ego in villages of a mix of learners.

    - `ego_own`, `ego_others`: payoff of a contest of the ego's, for it and for the other; `ego_both`: the sum
    - `ego_clash`: share of them that are clashes.

    Args:
        ego: in the place of agent 0; None: somebody of a rule.
        count, days, frames, seed: of the villages.
        rule: see above.
        push: of the habit, if the rule is `custom`.
    """
    people = villagers(count, seed, ego=rule or "custom")
    people.habit[:, 0, 0] = push
    met = Days(range(seed, seed + count), people, AGENTS, frames).live(days, ego)
    met = met.rows(met.me == 0)
    own, others = (met.over_scenes(PAYOFF[a, b]) for a, b in ((met.mine, met.theirs), (met.theirs, met.mine)))
    clash = met.over_scenes(met.clash.float())
    return {"ego_own": own, "ego_others": others, "ego_both": own + others, "ego_clash": clash}


def logs(count: int, days: int, frames: int, seed: int) -> Meetings:
    """Logs of villages of a mix of learners, in which agent 0 tosses coins."""
    return Days(range(seed, seed + count), villagers(count, seed, ego="custom"), AGENTS, frames).live(days)


def foreseen_columns(foreseer: Foreseer, met: Meetings) -> Columns:
    """Nats at what others did to agent 0 in logs, which nobody of those scored has chosen; mean of each village.

    `foreseen`: of all contests, `foreseen_1`: of the first with each person, `foreseen_6`: from the sixth on.
    """
    met = met.rows(met.me == 0)
    past = histories(met, AGENTS)
    scene, place, nats = [], [], []
    for n in range(past.mine.shape[1]):
        who = (past.count > n).nonzero()[:, 0]
        before = Histories(past.mine[who, :n], past.theirs[who, :n], past.order[who, :n], torch.full_like(who, n))
        insists = foreseer.chance(before, past.order[who, n], who)
        scene.append(who // AGENTS**2)
        place.append(torch.full_like(who, n))
        nats.append(-log_likelihood(insists, past.theirs[who, n]))
    where, when, loss = torch.cat(scene), torch.cat(place), torch.cat(nats)
    every = {"foreseen": when >= 0, "foreseen_1": when == 0, "foreseen_6": when >= SIXTH}
    return {name: over_scenes(loss[rows], where[rows], len(met.crossing)) for name, rows in every.items()}
