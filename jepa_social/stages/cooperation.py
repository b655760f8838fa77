"""The `mind` suite's cooperation: what comes of villages of simple learners, and of an ego that models them."""

from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.progress import track

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.contest_observers import CountedContests, NoMemory, RuleObserver
from jepa_social.evaluation.mind.contests import (
    ACT,
    SITUATION,
    Foreseer,
    GateEgo,
    LearnedForeseer,
    as_interactions,
    histories,
)
from jepa_social.evaluation.mind.cooperation import (
    AGENTS,
    LEARNERS,
    among_learners,
    day_by_day,
    foreseen_columns,
    logs,
    village_columns,
    villages,
)
from jepa_social.evaluation.mind.cooperation_figure import cooperation_figure
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.stages.person import fit_person, known_person, plain, untrained
from jepa_social.worlds.village.gate import NIGHT, Meetings
from jepa_social.worlds.village.manners import ALWAYS


def cooperation(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows: villages of every rule and kind of memory; egos among a mix of learners, ours and those of a rule.

    Egos that plan with what they foresee count the other's payoff like their own (ours), or not at all (selfish); ours
    is also kept from looking further than the contest at hand, and from knowing whom it has met. The model is kept in
    `run / "mind"`, the figure in `run / "figures"`.

    Raises:
        ValueError: training and scoring seeds overlap.
    """
    if abs(settings.fit_seed - settings.first_seed) < NIGHT * settings.days:
        raise ValueError("suite.cooperation: first_seed is among the training's seeds: set fit_seed further away")
    model = learner_model(run, settings)
    count, length = settings.villages, (settings.days, settings.frames)
    met = villages(count, *length, settings.first_seed)
    found: dict[str, Columns] = village_columns(met)
    minds: dict[str, Foreseer] = {
        ours: LearnedForeseer([model]),
        "no memory of the person": NoMemory(LearnedForeseer([model])),
        "untrained": LearnedForeseer([untrained(model, settings.seed)]),
        "counting": CountedContests(),
        CEILING: RuleObserver(),
    }
    asked = logs(count, *length, settings.first_seed + count)
    for name, mind in minds.items():
        found[name] = foreseen_columns(mind, asked)
    egos = {name: (minds[name], settings.care, settings.ahead) for name in (ours, "no memory of the person", CEILING)}
    egos |= {f"{name}, selfish": (minds[name], 0.0, settings.ahead) for name in (ours, CEILING)}
    egos[f"{ours}, one contest ahead"] = (minds[ours], settings.care, 1)
    for name, (mind, care, ahead) in track(egos.items(), description="among learners"):
        ego = GateEgo(mind, count * (AGENTS - 1), care, ahead)
        found[name] = found.get(name, {}) | among_learners(ego, count, *length, settings.first_seed)
    customs = {"tosses coins": 0.0, "always yields": -ALWAYS, "always insists": ALWAYS}
    for name in [*LEARNERS, *customs]:
        rule, push = LEARNERS.get(name), customs.get(name, 0.0)
        found[name] = among_learners(None, count, *length, settings.first_seed, rule, push)
    shares = {"gap_foreseen": ("foreseen", "counting"), "gap_both": ("ego_both", "no memory of the person")}
    scores, gaps = summarise(found, ours, shares)
    curves = {name: day_by_day(one) for name, one in met.items()}
    save(cooperation_figure(curves, scores, ours), run / "figures" / "mind_cooperation.png")
    return scores, gaps


def learner_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of what people do in contests, `<run>/mind/contests.safetensors`, from logs of villages of learners in
    which agent 0 tosses coins: their moves, and no rules."""

    def fit() -> PersonModel:
        met = logs(settings.logged, settings.days, settings.frames, settings.fit_seed)
        return fit_contests(met.rows(met.other != 0), AGENTS, settings, "people who contest a gate")

    trained = plain(settings, "villages", "first_seed", "care", "ahead")
    return known_person(run / "mind" / "contests.safetensors", trained, fit, PersonModel)


def fit_contests(met: Meetings, agents: int, settings: DictConfig, description: str) -> PersonModel:
    """Learn what people do from how either of two lived through their contests, `settings.pairs` of them a step."""
    past = histories(met, agents)
    every, count = as_interactions(past[past.count > 0]), settings.pairs

    def some(step: int) -> Interactions:
        chance = torch.Generator().manual_seed(settings.fit_seed + step)
        return every[torch.randint(len(every.choice), (count,), generator=chance)]

    blank = PersonModel(SITUATION, ACT, width=settings.width, depth=2, heads=4)
    return fit_person(blank, some, settings.steps, settings.seed, settings.rate, description)
