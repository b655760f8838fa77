"""Evaluation suites: what `python eval.py run=<dir> suite=crowd|replay|forecast|probes|mind` runs and writes."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from jepa_social.evaluation.report import write_report
from jepa_social.evaluation.results import print_table, read_results, record_suite
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.policy import Policy
from jepa_social.planning.reactive import RecordedHuman
from jepa_social.stages.closed_loop import walk
from jepa_social.stages.films import film, picture
from jepa_social.stages.forecasts import score_forecasts
from jepa_social.stages.mind import score_mind
from jepa_social.stages.probing import probe_latents
from jepa_social.stages.training import SETTINGS
from jepa_social.worlds.replay import Replay
from jepa_social.worlds.world import World

OURS = "jepa"


def evaluate(config: DictConfig) -> Path:
    """Run `config.suite` on the run directory `config.run`; results are merged into it and the report rewritten.

    Raises:
        FileNotFoundError: no finished run there.
    """
    run = Path(config.run)
    world_model = WorldModel.load(run)
    trained = OmegaConf.load(run / SETTINGS)
    assert isinstance(trained, DictConfig)
    settings = OmegaConf.merge(trained, {k: v for k, v in config.items() if k in ("data", "planner")})
    assert isinstance(settings, DictConfig)
    torch.manual_seed(0)
    name = config.suite.name
    if config.suite.get("kind") == "forecast":
        tested = _tested(config.suite, settings)
        score_forecasts(run, world_model, settings, tested, config.suite, OURS)
    elif name == "probes":
        probe_latents(run, world_model, settings, config.suite, OURS)
    elif name == "mind":
        score_mind(run, world_model.jepa, config.suite, OURS)
    else:
        tested = _tested(config.suite, settings)
        world = instantiate(config.suite.world) if "world" in config.suite else _replay(config.suite, tested)
        policies = _policies(config.suite, settings, world_model, world)
        first = config.suite.first_seed
        episodes = walk(world, policies, range(first, first + config.suite.episodes), config.suite.batch)
        record_suite(run, name, episodes, ours=OURS)
        mine = next(one for one in episodes if one.policy == OURS)
        film(run, name, mine)
        picture(run, name, mine, world_model)
    print_table(read_results(run), name, ours=OURS, metrics=config.suite.columns)
    return write_report(run, ours=OURS)


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


def _policies(suite: DictConfig, settings: DictConfig, world_model: WorldModel, world: World) -> list[Policy]:
    """The planner, constant-velocity MPC, the suite's reactive baselines and, in replay, the recorded human."""
    policies: list[Policy] = [
        jepa_planner(world_model, settings.planner, OURS),
        constant_velocity_planner(settings.planner, world_model.dt),
        *(instantiate(baseline) for baseline in suite.baselines.values()),
    ]
    return [*policies, RecordedHuman(world)] if isinstance(world, Replay) else policies


def _replay(suite: DictConfig, settings: DictConfig) -> Replay:
    """The test recordings of the run's data as a world."""
    recordings = instantiate(settings.data.source).recordings("test")
    if not recordings:
        raise ValueError("suite=replay needs test recordings: set data.source.test (or data.fold) to hold some out")
    return Replay(recordings, dt=settings.data.module.dt, observed=settings.data.module.observed, radius=suite.radius)
