"""Capability D of the `mind` suite: learn from the ego's past how people react, then be judged by others."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.conduct import (
    Mind,
    altruistic,
    as_interactions,
    audience_logs,
    conduct,
    decoupling,
    evenly,
    selfish,
)
from jepa_social.evaluation.mind.judgement import STEPS, AudienceObserver, live_through, meet_audiences, reward_columns
from jepa_social.evaluation.mind.reward_figure import reward_figure
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.mind.social_reward import BelievedReward, fit_worth
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person, known_person, plain
from jepa_social.worlds.audience import NOTICED_NOW

RULES = {"selfish": selfish, "altruistic": altruistic}


def social_reward(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows: ours, ours kept from learning, an exact observer that learns and one that does not, an oracle, two rules.

    The model is kept in `run / "mind"`, the figure in `run / "figures"`.

    Raises:
        ValueError: training and scoring seeds overlap.
    """
    if settings.fit_seed <= settings.first_seed <= settings.fit_seed + settings.steps:
        raise ValueError("suite.social_reward: first_seed is among the training's seeds: set fit_seed further away")
    model, worth = people_of_the_past(run, settings)
    minds: dict[str, Callable[[int], Mind]] = {
        ours: partial(BelievedReward, model, worth),
        "never corrected": partial(BelievedReward, model, worth, learns=False),
        "frozen": partial(AudienceObserver, learns=False),
        "oracle": partial(AudienceObserver, told=NOTICED_NOW),
        CEILING: AudienceObserver,
    }
    met = meet_audiences(settings.trials, settings.first_seed)
    found: dict[str, Columns] = {}
    curves: dict[str, Tensor] = {}
    acted = (settings.trials, STEPS, settings.first_seed + 1)
    for name, fresh in minds.items():
        own, curves[name] = live_through(fresh(settings.trials), met)
        found[name] = reward_columns(own, curves[name], met)
        found[name] |= decoupling(fresh, settings.trials, settings.first_seed + 2)
        found[name] |= conduct(fresh(settings.trials), *acted)
    for name, rule in RULES.items():
        found[name] = conduct(rule, *acted)
    scores, gaps = summarise(found, ours, {"gap_bias": ("bias_199", "frozen")})
    save(reward_figure(curves, scores, ours), run / "figures" / "mind_social_reward.png")
    return scores, gaps


def people_of_the_past(run: Path, settings: DictConfig) -> tuple[PersonModel, Tensor]:
    """The model of reactions, learned from logs without a single evaluation, and what reactions are worth, from those
    of `asked` audiences who said how they had judged."""

    def fit() -> PersonModel:
        return fit_person(
            PersonModel(2, 2, width=settings.width, depth=2, heads=4),
            lambda step: evenly(
                as_interactions(audience_logs(settings.drawn * settings.people, STEPS, settings.fit_seed + step)),
                settings.people,
            ),
            settings.steps,
            settings.seed,
            rate=settings.rate,
            description="people who judge",
        )

    trained = plain(settings, "trials", "first_seed", "asked")
    model = known_person(run / "mind" / "judging.safetensors", trained, fit, PersonModel)
    asked = audience_logs(settings.asked, STEPS, settings.fit_seed - 1)
    return model, fit_worth(model, as_interactions(asked), asked.evaluation)
