"""Capability C of the `mind` suite: learn from logs of people who change now and then, then meet some who do."""

from functools import partial
from pathlib import Path

from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.change import ChangeTrials, change_columns, draw_trials, noticing, observer, settling
from jepa_social.evaluation.mind.change_figure import change_figure
from jepa_social.evaluation.mind.change_model import (
    ACT,
    SITUATION,
    Followed,
    as_interactions,
    by_gradient,
    choice_logs,
    fit_character,
    in_context,
)
from jepa_social.evaluation.mind.reactive import foresight, reactive_logs, static_reaction, true_reaction
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.statistics import Interval
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person, known_person, untrained

OBSERVERS = {
    "window of 10": "window",
    "leaky average 0.9": "leaky",
    "prior only": "prior",
    "static Bayes": "static",
    "frozen": "frozen",
    CEILING: "change-point",
}
"""Rows that are told the characters' choice probabilities, and how they think of the past."""


def updating(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows: memory in context (ours), gradient steps alone, both, an untrained encoder (its readout only), observers.

    Models are kept in `run / "mind"`, the figure in `run / "figures"`.

    Raises:
        ValueError: training and scoring seeds overlap.
    """
    if settings.fit_seed <= settings.first_seed <= settings.fit_seed + max(settings.steps, settings.reactive_steps):
        raise ValueError("suite.updating: first_seed is among the training's seeds: set fit_seed further away")
    trials = draw_trials(settings.trials, settings.first_seed)
    model = _partner_model(run, settings)
    blank = untrained(model, settings.seed)
    found: dict[str, Columns] = {}
    crossed: dict[str, dict[str, Interval]] = {}
    losses: dict[str, Tensor] = {}

    def add(name: str, changing: Followed, steady: Followed) -> None:
        alarms, crossed[name] = noticing(changing[0], steady[0], trials)
        crossed[name]["steps_within"] = settling(changing[1], trials)
        found[name], losses[name] = change_columns(changing[1], steady[1], trials) | alarms, changing[1]

    mechanisms = {
        ours: partial(in_context, model),
        "gradient steps alone": partial(by_gradient, model, rate=settings.step_alone, remembers=False),
        "context and gradient steps": partial(by_gradient, model, rate=settings.step_both, remembers=True),
        "untrained": partial(in_context, blank),
    }
    for name, follow in mechanisms.items():
        add(name, *_read(follow, trials, settings))
    for metric in ("excess_after", "excess_before"):
        del found["untrained"][metric]  # it was never taught what people do
    for name, how in OBSERVERS.items():
        add(name, observer(trials.changing, how), observer(trials.steady, how))
    found[ours] |= foresight(_reactive_model(run, settings), settings.trials, settings.first_seed)
    found["static partner"] = static_reaction(settings.trials, settings.first_seed)
    found[CEILING] |= true_reaction(settings.trials, settings.first_seed)
    scores, gaps = summarise(found, ours, {"gap_change": ("excess_after", "frozen")})
    for name, steps in crossed.items():
        scores[name] |= steps
    losses.pop("untrained")
    del scores["untrained"]["steps_within"]  # as above
    save(change_figure(losses, trials.changing, scores, ours), run / "figures" / "mind_updating.png")
    return scores, gaps


def _read(follow: partial[Followed], trials: ChangeTrials, settings: DictConfig) -> tuple[Followed, Followed]:
    """Posteriors by a readout fitted on latents of other people that come about in the same way, and log-losses."""
    fit = choice_logs(settings.readout, settings.length, settings.hazard, settings.fit_seed - 1)
    readout = fit_character(follow(fit)[0][:, 1:].flatten(0, 1), fit.character.flatten())

    def posterior(followed: Followed) -> Followed:
        return readout(followed[0]).softmax(-1), followed[1]

    return posterior(follow(trials.changing)), posterior(follow(trials.steady))


def _partner_model(run: Path, settings: DictConfig) -> PersonModel:
    def fit() -> PersonModel:
        return fit_person(
            PersonModel(SITUATION, ACT, width=settings.width, depth=2, heads=4),
            lambda step: as_interactions(
                choice_logs(settings.people, settings.length, settings.hazard, settings.fit_seed + step)
            ),
            settings.steps,
            settings.seed,
            rate=settings.rate,
            description="people who change",
        )

    about = _settings(settings, "people", "length", "hazard", "width", "steps")
    return known_person(run / "mind" / "changing.safetensors", about, fit, PersonModel)


def _reactive_model(run: Path, settings: DictConfig) -> PersonModel:
    def fit() -> PersonModel:
        return fit_person(
            PersonModel(2, 2, width=32, depth=2, heads=4),
            lambda step: reactive_logs(64, 16, settings.fit_seed + step)[0],
            settings.reactive_steps,
            settings.seed,
            rate=settings.rate,
            description="people who react",
        )

    return known_person(run / "mind" / "reactive.safetensors", _settings(settings, "reactive_steps"), fit, PersonModel)


def _settings(settings: DictConfig, *names: str) -> dict:
    """What a training depends on; not what is only for scoring, or for another model."""
    return {name: settings[name] for name in ("fit_seed", "seed", "rate", *names)}
