"""Evaluation suites: what `python eval.py run=<dir> suite=crowd|replay|forecast` runs and writes."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import track
from torch.utils.tensorboard.writer import SummaryWriter

from jepa_social.data.module import SceneDataModule
from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.forecasting import constant_velocity, displacement_errors, predicted_collisions
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.report import write_report
from jepa_social.evaluation.results import merge_scores, print_table, read_results, record_suite
from jepa_social.evaluation.statistics import bootstrap_mean, paired_difference
from jepa_social.evaluation.video import add_film, frames, write_video
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.policy import Policy
from jepa_social.planning.reactive import RecordedHuman
from jepa_social.stages.closed_loop import walk
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
    if name == "forecast":
        _forecast(run, world_model, settings)
    else:
        world = instantiate(config.suite.world) if "world" in config.suite else _replay(config.suite, settings)
        policies = _policies(config.suite, settings, world_model, world)
        first = config.suite.first_seed
        episodes = walk(world, policies, range(first, first + config.suite.episodes), config.suite.batch)
        record_suite(run, name, episodes, ours=OURS)
        _film(run, name, episodes)
    print_table(read_results(run), name, ours=OURS, metrics=config.suite.columns)
    return write_report(run, ours=OURS)


def _policies(suite: DictConfig, settings: DictConfig, world_model: WorldModel, world: World) -> list[Policy]:
    """The planner, constant-velocity MPC, the suite's reactive baselines and, in replay, the recorded human."""
    policies: list[Policy] = [
        jepa_planner(world_model, settings.planner, OURS),
        constant_velocity_planner(settings.planner),
        *(instantiate(baseline) for baseline in suite.baselines.values()),
    ]
    return [*policies, RecordedHuman(world)] if isinstance(world, Replay) else policies


def _replay(suite: DictConfig, settings: DictConfig) -> Replay:
    """The test recordings of the run's data as a world."""
    recordings = instantiate(settings.data.source).recordings("test")
    if not recordings:
        raise ValueError("suite=replay needs test recordings: set data.source.test (or data.fold) to hold some out")
    return Replay(recordings, dt=settings.data.module.dt, observed=settings.data.module.observed, radius=suite.radius)


def _film(run: Path, suite: str, episodes: list[Episodes]) -> None:
    """Videos of our closest call of each kind of ending, as MP4 and in TensorBoard."""
    ours = next(one for one in episodes if one.policy == OURS)
    scores = navigation(ours)
    board = SummaryWriter(str(run / "evaluation"))
    for ending in ("collision", "timeout", "success"):
        which = getattr(scores, ending).nonzero()[:, 0]
        if len(which):
            index = int(which[scores.minimum_distance[which].nan_to_num(torch.inf).argmin()])
            write_video(run / "videos" / f"{suite}_{ending}.mp4", ours.scene, index)
            add_film(board, f"{suite}/{ending}", frames(ours.scene, index, size=240, fps=6), fps=6)
    board.close()


def _forecast(run: Path, world_model: WorldModel, settings: DictConfig) -> None:
    """ADE, FDE, misses and collisions of the frozen-latent forecast and of constant velocity on the test recordings.

    Windows, not agents, are resampled for the intervals: people who walk together err together.
    """
    data: SceneDataModule = instantiate(settings.data.module)
    observed, horizon = settings.data.module.observed, settings.data.module.future
    rows: dict[str, dict[str, list[torch.Tensor]]] = {OURS: {}, "constant velocity": {}}
    windows, seen = [], 0
    for scene in track(data.test_dataloader(), description="forecasting"):
        whole = scene.present.all(-1)
        truth = scene.position[:, :, observed:]
        windows.append(whole.nonzero()[:, 0] + seen)
        seen += len(whole)
        for name, prediction in (
            (OURS, world_model.forecast(scene.between(0, observed), horizon)),
            ("constant velocity", constant_velocity(scene, observed, horizon)),
        ):
            ade, fde = displacement_errors(prediction, truth, whole)
            scored = {"ade": ade, "fde": fde, "miss_rate": (fde > 2.0).float()}
            scored["collision_share"] = predicted_collisions(prediction, whole).float()
            for metric, value in scored.items():
                rows[name].setdefault(metric, []).append(value[whole])
    if not windows:
        raise ValueError("suite=forecast needs test recordings: set data.source.test (or data.fold) to hold some out")
    cluster = torch.cat(windows).numpy()
    flat = {name: {m: torch.cat(v).double().numpy() for m, v in row.items()} for name, row in rows.items()}
    scores = {name: {m: bootstrap_mean(v, cluster) for m, v in row.items()} for name, row in flat.items()}
    gaps = {
        OURS: {
            m: {"constant velocity": paired_difference(v, flat["constant velocity"][m], cluster)}
            for m, v in flat[OURS].items()
        }
    }
    merge_scores(run, "forecast", scores, gaps)
