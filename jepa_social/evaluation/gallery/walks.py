"""One picture per baseline, all in the same crowd, and one per scenario."""

from functools import partial

import torch
from matplotlib.figure import Figure
from omegaconf import DictConfig

from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.figures import draw_scene, small_multiples
from jepa_social.evaluation.gallery.picture import Picture
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.runner import run_episodes
from jepa_social.evaluation.style import EGO, PERSON
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import baseline, jepa_planner
from jepa_social.planning.policy import Policy
from jepa_social.planning.reactive import Orca
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.scenarios import ALL, CircleCrossing, Scenario

SEED = 2_000_003
"""A validation seed: no suite tests on it and no log is made from it."""
PEOPLE = 8
OURS = "jepa"


def crowd(scenario: Scenario, people: int = PEOPLE) -> Crowd:
    """People who see the ego."""
    return Crowd(scenario, people, visible=True)


def walk_figure(episodes: Episodes, title: str) -> Figure:
    """The first of `episodes` as it ended: rings where everybody started, crosses where they wanted to go."""
    figure, (axes,) = small_multiples(1)
    scene = episodes.scene[:1].between(0, int(episodes.stop[0]) + 1)
    draw_scene(axes, scene, -1, None, None, 0)
    there = scene.present[0, :, 0]
    start, ego = scene.position[0, there, 0], int(scene.ego[0])
    colours = [EGO if agent == ego else PERSON for agent in there.nonzero()[:, 0].tolist()]
    axes.scatter(*start.T.numpy(), s=40, facecolors="white", edgecolors=colours, zorder=4)
    if scene.truth is not None:
        goal = scene.truth["goal"][0, there]
        others = torch.arange(len(goal)) != ego
        axes.scatter(*goal[others].T.numpy(), s=25, marker="x", color=PERSON, linewidths=1.2, zorder=4)
    axes.set(xlabel="m", ylabel="m")
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def baseline_pictures(world_model: WorldModel, planner: DictConfig, baselines: DictConfig) -> list[Picture]:
    """A picture of each of `baselines`, and of our planner before them."""

    def walk(name: str) -> Figure:
        world = crowd(CircleCrossing())
        policy: Policy = (
            jepa_planner(world_model, planner) if name == OURS else baseline(baselines[name], world, planner)
        )
        episodes = run_episodes(world, policy, [SEED])
        scores = navigation(episodes)
        ending = next(end for end in ("success", "collision", "timeout") if bool(getattr(scores, end)[0]))
        return walk_figure(episodes, f"{policy.name}: {ending} after {float(episodes.stop[0] * world.dt):.1f} s")

    return [
        Picture(f"baseline_{name}", str(name).replace("_", " "), partial(walk, str(name)))
        for name in (OURS, *baselines)
    ]


def scenario_pictures() -> list[Picture]:
    """A picture of every scenario."""

    def walk(scenario: Scenario) -> Figure:
        return walk_figure(run_episodes(crowd(scenario), Orca(0.15), [SEED]), scenario.name.replace("_", " "))

    return [
        Picture(f"scenario_{scenario.name}", scenario.name.replace("_", " "), partial(walk, scenario))
        for scenario in ALL
    ]
