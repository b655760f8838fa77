"""The closed loop in crowds: pretrained on one population, walking among another, and what each part of it is for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.progress import track

from jepa_social.evaluation.answers import Answers, walk_among
from jepa_social.evaluation.encounters_figure import encounters_figure
from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.scores import Columns, summarise
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.results import merge_scores
from jepa_social.evaluation.runner import run_episodes
from jepa_social.mind.regard import Regard
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.acquainted import Acquainted
from jepa_social.planning.build import acquainted, jepa_planner
from jepa_social.planning.dynamics import Dynamics
from jepa_social.planning.policy import Policy
from jepa_social.planning.reactive import Orca, SocialForce

WALKED = ("success", "navigation_time", "discomfort", "personal_space")
LIFE = 10_000
"""Seeds between one life and the next."""


@dataclass(frozen=True)
class EncountersRow:
    """One way to learn, or not: whose walk, whether by coin, and which part of the loop is there."""

    other: bool = False
    coin: bool = True
    learns: bool = True
    compares: bool = True


def score_encounters(run: Path, world_model: WorldModel, settings: DictConfig, suite: DictConfig, ours: str) -> None:
    """Meet cohort after cohort of people; what each row then thinks of them is scored on walks nobody learned from.

    Rows besides ours (ORCA walks, a coin moves it aside, what people do then corrects its picture of them):

    - no update: people stay what those of the logs were;
    - no comparison: it updates as if what it expected had happened;
    - no coin: it walks as ever, and holds what happens against its absence as imagined;
    - passive reader: the same with somebody else's walk (social forces), which the coin has no part in;
    - experimenter's reader: somebody else's walk by a coin, as it fell.

    Scores and a figure are merged into `run`. If `suite.walked` is not 0, the planner then walks so many episodes with
    the picture that each row's last life has come to, and learns nothing more.

    Raises:
        ValueError: nobody came near.
    """
    rows = {
        ours: EncountersRow(),
        f"{ours}, no update": EncountersRow(learns=False),
        f"{ours}, no comparison": EncountersRow(compares=False),
        f"{ours}, no coin": EncountersRow(coin=False),
        f"{ours}, passive reader": EncountersRow(other=True, coin=False),
        f"{ours}, experimenter's reader": EncountersRow(other=True),
    }
    planner = jepa_planner(world_model, settings.planner)
    judge = Acquainted(Orca(margin=0.15), planner.dynamics, Regard(), nudge=suite.nudge, learns=False)
    asked = _walk(judge, suite, suite.first_seed, suite.asked)
    if not len(asked.true):
        raise ValueError("nobody came near in the episodes that are scored: raise suite.asked or suite.seconds")
    lives: dict[str, list[list[float]]] = {name: [] for name in rows}
    kept: dict[str, Regard] = {}
    for life in track(range(suite.lives), description="getting acquainted"):
        for name, row in rows.items():
            first = suite.first_seed + LIFE * (1 + life)
            thought, kept[name] = _live(row, planner.dynamics, suite, first)
            lives[name].append(thought)
    found: dict[str, Columns] = {}
    for name, thoughts in lives.items():
        parts = [asked.columns(thought[-1]) for thought in thoughts]
        found[name] = {metric: np.mean([part[metric] for part in parts], axis=0) for metric in parts[0]}
        found[name]["minds"] = np.array([thought[-1] for thought in thoughts])
        if suite.walked:
            walker = acquainted(jepa_planner(world_model, settings.planner, name), kept[name], learns=False)
            found[name] |= _planned(walker, suite)
    found["told"] = asked.columns(asked.slope) | {"minds": np.full(suite.lives, asked.slope)}
    scores, gaps = summarise(found, ours, {})
    merge_scores(run, suite.name, scores, gaps)
    save(encounters_figure(lives, asked, ours), run / "figures" / f"{suite.name}.png")


def _live(row: EncountersRow, dynamics: Dynamics, suite: DictConfig, first: int) -> tuple[list[float], Regard]:
    """How much people at large are thought to mind before each cohort and after the last."""
    regard, thought = Regard(), []
    policy: Policy = SocialForce(10.0, 0.5) if row.other else Orca(margin=0.15)
    nudge = suite.nudge if row.coin else 0.0
    ego = Acquainted(policy, dynamics, regard, None, nudge, row.learns, row.compares, seed=first)
    for cohort in range(suite.cohorts):
        thought.append(regard.people_at_large)
        if row.learns:
            _walk(ego, suite, first + cohort * suite.scenes, suite.scenes)
    return [*thought, regard.people_at_large], regard


def _walk(ego: Acquainted, suite: DictConfig, first: int, scenes: int) -> Answers:
    return walk_among(ego, instantiate(suite.world), range(first, first + scenes), suite.seconds)


def _planned(walker: Policy, suite: DictConfig) -> Columns:
    """The planner's walk, on seeds of its own."""
    first = suite.first_seed + LIFE // 2
    done = run_episodes(instantiate(suite.world), walker, range(first, first + suite.walked), suite.walked)
    walked = navigation(done).columns()
    return {name: walked[name].double().numpy() for name in WALKED}
