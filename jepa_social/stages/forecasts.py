"""Forecast evaluation: the frozen-latent forecast beside constant velocity on a run's test recordings."""

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.progress import track

from jepa_social.data.module import SceneDataModule
from jepa_social.evaluation.forecasting import MISS, constant_velocity, displacement_errors, predicted_collisions
from jepa_social.evaluation.results import merge_scores
from jepa_social.evaluation.statistics import bootstrap_mean, paired_difference
from jepa_social.mind.world_model import WorldModel


def score_forecasts(run: Path, world_model: WorldModel, settings: DictConfig, ours: str) -> None:
    """ADE, FDE, misses and collisions of the frozen-latent forecast and of constant velocity on the test recordings.

    Windows, not agents, are resampled for the intervals: people who walk together err together.
    """
    data: SceneDataModule = instantiate(settings.data.module)
    observed, horizon = settings.data.module.observed, settings.data.module.future
    rows: dict[str, dict[str, list[torch.Tensor]]] = {ours: {}, "constant velocity": {}}
    windows, seen = [], 0
    for scene in track(data.test_dataloader(), description="forecasting"):
        whole = scene.present.all(-1)
        truth = scene.position[:, :, observed:]
        windows.append(whole.nonzero()[:, 0] + seen)
        seen += len(whole)
        for name, prediction in (
            (ours, world_model.forecast(scene.between(0, observed), horizon)),
            ("constant velocity", constant_velocity(scene, observed, horizon)),
        ):
            ade, fde = displacement_errors(prediction, truth, whole)
            scored = {"ade": ade, "fde": fde, "miss_rate": (fde > MISS).float()}
            scored["collision_share"] = predicted_collisions(prediction, whole).float()
            for metric, value in scored.items():
                rows[name].setdefault(metric, []).append(value[whole])
    if not windows:
        raise ValueError("suite=forecast needs test recordings: set data.source.test (or data.fold) to hold some out")
    cluster = torch.cat(windows).numpy()
    flat = {name: {m: torch.cat(v).double().numpy() for m, v in row.items()} for name, row in rows.items()}
    scores = {name: {m: bootstrap_mean(v, cluster) for m, v in row.items()} for name, row in flat.items()}
    gaps = {
        ours: {
            m: {"constant velocity": paired_difference(v, flat["constant velocity"][m], cluster)}
            for m, v in flat[ours].items()
        }
    }
    merge_scores(run, "forecast", scores, gaps)
