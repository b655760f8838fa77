"""The `mind` suite's closed loop at a gate: queuers taught it, people who push in are met, and the loop is cut."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from rich.progress import track

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.contest_observers import HabitObserver, NoMemory
from jepa_social.evaluation.mind.contests import Foreseer, GateEgo, Histories, LearnedForeseer, as_interactions
from jepa_social.evaluation.mind.cooperation import foreseen_columns
from jepa_social.evaluation.mind.customs import (
    AGENTS,
    COIN,
    ONE_OF_THEM,
    OTHERS,
    PATIENT,
    PUSHERS,
    QUEUERS,
    SPREAD,
    GateEncounter,
    encounter,
    people,
)
from jepa_social.evaluation.mind.customs_figure import customs_figure
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.mind.updating import adapt
from jepa_social.models.person import PersonModel
from jepa_social.stages.cooperation import fit_contests
from jepa_social.stages.person import known_person, plain
from jepa_social.worlds.village.gate import NIGHT, Days, Meetings

REMEMBERED = 8
"""Encounters that gradient steps are taken on, the latest."""
HOLD = 4
"""Of so many people one is learned nothing from, and judges (see `adapt`)."""


@dataclass(frozen=True)
class CustomsRow:
    """One way to learn, or not.

    Attributes:
        remembers: what the people at the gate did (memory in context).
        gradient: steps on the latest encounters, after each.
        compares: with what happened; otherwise with what was expected.
        reads: whose logs in place of its own contests (see `customs.encounter`).
        home: among people like those of the logs.
    """

    remembers: bool = True
    gradient: bool = True
    compares: bool = True
    reads: str | None = None
    home: bool = False


@dataclass
class CustomsLives:
    """L lives of one row.

    Attributes:
        met: encounters, oldest first.
        asked: nats on logs that nobody chose, `[L]`, before the first encounter and after each.
        kept: share of lives that kept the gradient steps, after each encounter.
    """

    met: list[GateEncounter] = field(default_factory=list)
    asked: list[np.ndarray] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


def customs(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows besides ours (it acts, remembers, compares, and takes guarded gradient steps after each encounter):

    - in context only: no gradient steps; frozen prior: no update at all;
    - no comparison: as if what it thought likeliest had happened;
    - readers of logs of others who met the same people the same days: of one who tosses coins, of one who always
      yields, of one of those people;
    - exact observers who know how people come to decide, and expect people like those of the logs, or know better;
    - at home: in context only, among other people, like those of the logs.

    Scores are of the later half of encounters. The model is kept in `run / "mind"`, the figure in `run / "figures"`.

    Raises:
        ValueError: training and scoring seeds overlap.
    """
    if abs(settings.fit_seed - settings.first_seed) < NIGHT * max(settings.days, settings.logged_days):
        raise ValueError("suite.customs: first_seed is among the training's seeds: set fit_seed further away")
    model = queuer_model(run, settings)
    asked = probes(settings)
    rows = {
        ours: CustomsRow(),
        f"{ours}, in context only": CustomsRow(gradient=False),
        f"{ours}, frozen prior": CustomsRow(remembers=False, gradient=False),
        f"{ours}, no comparison": CustomsRow(compares=False),
        f"{ours}, reads {COIN}": CustomsRow(reads=COIN),
        f"{ours}, reads {PATIENT}": CustomsRow(reads=PATIENT),
        f"{ours}, reads {ONE_OF_THEM}": CustomsRow(reads=ONE_OF_THEM),
        f"{ours}, at home": CustomsRow(gradient=False, home=True),
    }
    lives = {name: live(row, model, settings, asked) for name, row in track(rows.items(), description="at the gate")}
    for name, mean in (("exact, expects people like the past", QUEUERS), (CEILING, PUSHERS)):
        lives[name] = live(
            CustomsRow(gradient=False), HabitObserver(torch.tensor(mean), torch.tensor(SPREAD)), settings, asked
        )
    found = {name: columns(one) for name, one in lives.items()}
    scores, gaps = summarise(found, ours, {"gap_gate": ("gate_asked", f"{ours}, frozen prior")})
    save(customs_figure({name: curves(one) for name, one in lives.items()}, ours), run / "figures" / "mind_customs.png")
    return scores, gaps


def queuer_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of people who queue, `<run>/mind/queuers.safetensors`, from logs in which agent 0 tosses coins."""

    def fit() -> PersonModel:
        known = people(settings.logged, QUEUERS, settings.fit_seed)
        seeds = range(settings.fit_seed, settings.fit_seed + settings.logged)
        met = Days(seeds, known, AGENTS, settings.frames).live(settings.logged_days)
        return fit_contests(met.rows(met.other != 0), AGENTS, settings, "people who queue")

    walks = ("first_seed", "lives", "encounters", "days", "probed", "care", "ahead", "adapt_steps", "adapt_rate")
    trained = plain(settings, *walks)
    return known_person(run / "mind" / "queuers.safetensors", trained, fit, PersonModel)


def probes(settings: DictConfig) -> Meetings:
    """Logs of people who push in, who are never met, and of somebody who tosses coins."""
    first = settings.first_seed + settings.lives * settings.encounters
    seeds = range(first, first + settings.probed)
    return Days(seeds, people(settings.probed, PUSHERS, first), AGENTS, settings.frames).live(settings.days)


def live(row: CustomsRow, mind: PersonModel | HabitObserver, settings: DictConfig, asked: Meetings) -> CustomsLives:
    """Encounter after encounter of all lives of a row, each with a copy of the model that goes its own way."""
    count, pairs = settings.lives, settings.lives * OTHERS
    models = [mind] * count if isinstance(mind, PersonModel) else []
    foresees = _foreseer(row, mind)
    lives, log = CustomsLives(), []
    for number in range(settings.encounters):
        if not number or row.gradient:
            told = _asked(models if row.gradient else models[:1], foresees, asked, count)
        lives.asked.append(told)
        ego = GateEgo(
            foresees(models),
            pairs,
            settings.care,
            settings.ahead,
            learns=row.remembers and row.reads is None,
            compares=row.compares,
        )
        first = settings.first_seed + count * number
        mean = QUEUERS if row.home else PUSHERS
        lives.met.append(encounter(ego, mean, settings.days, settings.frames, range(first, first + count), row.reads))
        if row.gradient:
            log = [*log, lives.met[-1].learned][-REMEMBERED:]
            models, kept = _adapted(models, log, settings)
            lives.kept.append(kept)
    lives.asked.append(_asked(models, foresees, asked, count) if row.gradient else told)
    return lives


def columns(lives: CustomsLives) -> Columns:
    """One number a life: of the first encounter, of the later half, and on logs that nobody chose in the end."""
    late = lives.met[len(lives.met) // 2 :]
    first = lives.met[0]
    names = ("surprise", "off", "bias", "own", "others", "clash", "crossing")
    parts = {name: torch.as_tensor(np.stack([getattr(one, name) for one in late])) for name in names}
    found = {f"gate_{name}": part.nanmean(0).numpy() for name, part in parts.items()}
    return found | {"gate_surprise_1": first.surprise, "gate_own_1": first.own, "gate_asked": lives.asked[-1]}


def curves(lives: CustomsLives) -> dict[str, np.ndarray]:
    """Against encounters, `[K,L]`."""
    names = ("surprise", "off", "own", "others")
    return {name: np.stack([getattr(one, name) for one in lives.met]) for name in names} | {
        "asked": np.stack(lives.asked)
    }


def _foreseer(row: CustomsRow, mind: PersonModel | HabitObserver) -> Callable[[list[PersonModel]], Foreseer]:
    def foresees(models: list[PersonModel]) -> Foreseer:
        one = LearnedForeseer(models if row.gradient else models[:1], OTHERS) if isinstance(mind, PersonModel) else mind
        return one if row.remembers else NoMemory(one)

    return foresees


def _asked(
    models: list[PersonModel], foresees: Callable[[list[PersonModel]], Foreseer], asked: Meetings, count: int
) -> np.ndarray:
    """Mean nats of each life's model on the probes; of one that all lives share, once."""
    distinct: dict[int, float] = {}
    for model in models or [None]:
        if id(model) not in distinct:
            mind = foresees([model] if model is not None else [])
            distinct[id(model)] = float(np.nanmean(foreseen_columns(mind, asked)["foreseen"]))
    told = [distinct[id(model)] for model in models or [None]]
    return np.array(told if len(told) == count else told * count)


def _adapted(models: list[PersonModel], log: list[Histories], settings: DictConfig) -> tuple[list[PersonModel], float]:
    """Each life's model after gradient steps on what it has learned from lately, where there was enough of it."""
    new, kept = [], 0
    for life, model in enumerate(models):
        rows = slice(life * OTHERS, (life + 1) * OTHERS)
        past = Histories.cat([one[rows] for one in log])
        past = past[past.count > 0]
        enough = len(past.count) >= HOLD or (len(past.count) > 0 and int(past.count.max()) >= HOLD)
        if enough:
            model, better = adapt(model, as_interactions(past), settings.adapt_steps, settings.adapt_rate, HOLD)
            kept += better
        new.append(model)
    return new, kept / len(models)
