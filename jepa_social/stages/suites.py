"""Evaluation suites: what `python eval.py run=<dir> suite=<one of configs/suite>` runs and writes."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from jepa_social.evaluation.disturbance import disturbances
from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.figures import save
from jepa_social.evaluation.pareto import pareto_figure
from jepa_social.evaluation.report import write_report
from jepa_social.evaluation.results import print_table, read_results, record_suite
from jepa_social.memory import keep_memory
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import acquainted, baseline, cloned_policy, constant_velocity_planner, jepa_planner
from jepa_social.planning.policy import Policy
from jepa_social.planning.prior import FILE as PRIOR
from jepa_social.planning.prior import Prior
from jepa_social.planning.reactive import RecordedHuman
from jepa_social.runs import read_settings, results_folder, run_folder
from jepa_social.stages.closed_loop import walk
from jepa_social.stages.encounters import score_encounters
from jepa_social.stages.films import film, picture
from jepa_social.stages.forecasts import score_forecasts
from jepa_social.stages.mind import print_overview, score_mind
from jepa_social.stages.probing import probe_latents
from jepa_social.stages.reactions import score_reactions
from jepa_social.stages.sides import score_sides
from jepa_social.worlds.replay import Replay
from jepa_social.worlds.world import World

OURS = "jepa"
BLIND = "jepa without reaction"
"""The same planner, people imagined once whatever it plans: what is missing to it is what interaction pays."""


def evaluate(config: DictConfig) -> Path:
    """Run `config.suite` on the run directory `config.run`; results are merged into it and the report rewritten.

    Those of the bundled run, `run=pretrained`, go into `runs/pretrained`.

    Raises:
        FileNotFoundError: no finished run there.
        ValueError: it was written in another format version.
    """
    keep_memory()
    source, run = run_folder(config.run), results_folder(config.run)
    world_model = WorldModel.load(source)
    trained = read_settings(source)
    if "_target_" in config.planner.get("solver", {}):
        trained.planner.solver = {}  # another solver has other settings
    settings = OmegaConf.merge(trained, {k: v for k, v in config.items() if k in ("data", "planner")})
    assert isinstance(settings, DictConfig)
    torch.manual_seed(0)
    kind, name = config.suite.get("kind", "walk"), config.suite.name
    if kind == "forecast":
        score_forecasts(run, world_model, settings, _tested(config.suite, settings), config.suite, OURS)
    elif kind == "reaction":
        score_reactions(run, world_model, settings, config.suite, OURS)
    elif kind == "encounters":
        score_encounters(run, world_model, settings, config.suite, OURS)
    elif kind == "sides":
        score_sides(run, world_model, settings, config.suite, OURS)
    elif kind == "probes":
        probe_latents(run, world_model, settings, config.suite, OURS)
    elif kind == "mind":
        score_mind(run, world_model.jepa, config.suite, OURS)
    else:
        tested = _tested(config.suite, settings)
        world = instantiate(config.suite.world) if "world" in config.suite else _replay(config.suite, tested)
        policies = _policies(source, config.suite, settings, world_model, world)
        first = config.suite.first_seed
        episodes = walk(world, policies, range(first, first + config.suite.episodes), config.suite.batch)
        scores = record_suite(run, name, episodes, ours=OURS, extra=_disturbances(config.suite, episodes))
        save(pareto_figure(scores, OURS), run / "figures" / f"{name}_pareto.png")
        mine = next(one for one in episodes if one.policy == OURS)
        film(run, name, mine)
        picture(run, name, mine, world_model)
    columns = config.suite.columns
    for part, metrics in columns.items() if isinstance(columns, DictConfig) else (("", columns),):
        print_table(read_results(run), name, ours=OURS, metrics=metrics, part=str(part))
    if kind == "mind":
        print_overview(run, config.suite, OURS)
    return write_report(run, ours=OURS)


def _disturbances(suite: DictConfig, episodes: list[Episodes]) -> dict[str, dict[str, list[float]]]:
    """What the ego cost people who saw it, against the same people who did not; nothing in worlds that do not react."""
    if "world" not in suite or not suite.world.visible:
        return {}
    return disturbances(instantiate(suite.world, visible=False), episodes)


def _tested(suite: DictConfig, settings: DictConfig) -> DictConfig:
    """The settings with the data config that `data@suite.data=<name>` chose in place of the run's own, if any.

    Data configs refer to themselves as `${data...}`, so they are read only where they stand under that name.
    """
    if suite.get("data") is None:
        return settings
    other = OmegaConf.to_container(suite.data, resolve=False)
    own = {key: value for key, value in settings.items_ex(resolve=False) if key != "data"}
    tested = OmegaConf.create({**own, "data": other})
    assert isinstance(tested, DictConfig)
    return tested


def _policies(
    source: Path, suite: DictConfig, settings: DictConfig, world_model: WorldModel, world: World
) -> list[Policy]:
    """The planner, constant-velocity MPC, the suite's baselines, the run's cloned policy if it has one; the planner
    without reaction, where people see the ego and ours counts on it; in replay the recorded human."""
    prior = Prior.load(source) if (source / PRIOR).is_file() else None
    policies: list[Policy] = [
        acquainted(jepa_planner(world_model, settings.planner, OURS, prior)),
        constant_velocity_planner(settings.planner, world_model.dt),
        *(baseline(chosen, world, settings.planner) for chosen in suite.baselines.values()),
        *([cloned_policy(world_model, prior, settings.planner)] if prior is not None else []),
    ]
    if settings.planner.reactive and getattr(world, "visible", False):
        blind = OmegaConf.merge(settings.planner, {"reactive": False})
        assert isinstance(blind, DictConfig)
        policies.append(acquainted(jepa_planner(world_model, blind, BLIND, prior)))
    return [*policies, RecordedHuman(world)] if isinstance(world, Replay) else policies


def _replay(suite: DictConfig, settings: DictConfig) -> Replay:
    """The test recordings of the run's data as a world that steps every `suite.dt` s and shows as many s as training.

    Policies that plan at another step see the world resampled to theirs.
    """
    recordings = instantiate(settings.data.source).recordings("test")
    if not recordings:
        raise ValueError("suite=replay needs test recordings: set data.source.test (or data.fold) to hold some out")
    module = settings.data.module
    observed = 1 + round((module.observed - 1) * module.dt / suite.dt)
    return Replay(recordings, dt=suite.dt, observed=observed, radius=suite.radius)
