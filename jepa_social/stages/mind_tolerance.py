"""Capability D of the `mind` suite in four situations: learn from people of the past, then be judged by others."""

from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.tolerance import (
    ASKED,
    CELLS,
    acquaint,
    as_interactions,
    live_through,
    past_dealings,
    tolerance_columns,
)
from jepa_social.evaluation.mind.tolerance_conduct import altruistic, conduct, selfish
from jepa_social.evaluation.mind.tolerance_figure import tolerance_figure
from jepa_social.evaluation.mind.tolerance_observer import Counting, Mind, ToleranceObserver
from jepa_social.mind.social_reward import BelievedReward, fit_worth
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person, known_person, plain
from jepa_social.worlds.tolerance import BEHAVIOURS, NOW, PAST, Dealings

LENGTH = max(ASKED) + 4
"""Interactions of each person of a log."""
HOME = ("judged", "shown_nll")
"""Scores that are also taken of people like those of the past, as `<score>_home_<n>`."""
RULES = {"selfish": selfish, "altruistic": altruistic}


def tolerance(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows: ours, ours kept from learning, the past's average, counting, exact observers, an oracle, two rules.

    Of the exact observers, which all know how people work, one does not learn, one takes nothing from one situation for
    another, and one is told what the new people are like on average. The ceiling expects people like those of the past,
    as ours must. The model is kept in `run / "mind"`, the figure in `run / "figures"`.

    Raises:
        ValueError: training and scoring seeds overlap.
    """
    if settings.fit_seed - 4 <= settings.first_seed <= settings.fit_seed + settings.steps:
        raise ValueError("suite.tolerance: first_seed is among the training's seeds: set fit_seed further away")
    model, worth = tempers_of_the_past(run, settings)
    asked, past = people_who_were_asked(settings), past_dealings(settings.counted, LENGTH, settings.fit_seed - 2)
    count = settings.trials
    met, home = (acquaint(count, settings.first_seed + k, mean) for k, mean in enumerate((NOW, PAST)))
    minds: dict[str, Callable[[Tensor], Mind]] = {
        ours: lambda _: BelievedReward(model, worth, count),
        "never corrected": lambda _: BelievedReward(model, worth, count, learns=False),
        "average of the past": lambda _: Counting(past, asked, count, learns=False),
        "counting": lambda _: Counting(past, asked, count),
        "frozen": lambda _: ToleranceObserver(count, learns=False),
        "exact, each situation alone": lambda _: ToleranceObserver(count, likeness=0.0),
        "exact, told of the new people": lambda _: ToleranceObserver(count, NOW),
        "oracle": lambda hidden: ToleranceObserver(count, told=hidden),
        CEILING: lambda _: ToleranceObserver(count),
    }
    acted = (met.tolerance, max(ASKED), settings.first_seed + 2)
    found: dict[str, Columns] = {}
    for name, fresh in minds.items():
        found[name] = tolerance_columns(live_through(fresh(met.tolerance), met.lived), met)
        at_home = tolerance_columns(live_through(fresh(home.tolerance), home.lived), home)
        found[name] |= {f"{score}_home_{n}": at_home[f"{score}_{n}"] for score in HOME for n in ASKED}
        found[name] |= conduct(fresh(met.tolerance), *acted)
    for name, rule in RULES.items():
        found[name] = conduct(rule, *acted)
    metrics = {"judged": "judged", "shown": "shown_nll"}
    shares = {f"gap_{name}_{n}": (f"{score}_{n}", "frozen") for name, score in metrics.items() for n in ASKED[2:]}
    scores, gaps = summarise(found, ours, shares)
    save(tolerance_figure(scores, ours), run / "figures" / "mind_tolerance.png")
    return scores, gaps


def tempers_of_the_past(run: Path, settings: DictConfig) -> tuple[PersonModel, Tensor]:
    """The model of behaviours, learned from logs without a single evaluation, and what behaviours are worth, from those
    of `asked` people who said how they had judged."""

    def fit() -> PersonModel:
        return fit_person(
            PersonModel(CELLS, len(BEHAVIOURS), width=settings.width, depth=1, heads=8),
            lambda step: as_interactions(past_dealings(settings.people, LENGTH, settings.fit_seed + step)),
            settings.steps,
            settings.seed,
            rate=settings.rate,
            description="people in four situations",
        )

    trained = plain(settings, "trials", "first_seed", "asked", "counted")
    model = known_person(run / "mind" / "tolerance.safetensors", trained, fit, PersonModel)
    asked = people_who_were_asked(settings)
    return model, fit_worth(model, as_interactions(asked), asked.evaluation)


def people_who_were_asked(settings: DictConfig) -> Dealings:
    """Logs of the few people of the past who said afterwards what they had thought."""
    return past_dealings(settings.asked, LENGTH, settings.fit_seed - 1)
