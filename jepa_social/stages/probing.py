"""The `probes` suite: what can be read from frozen latents, and how far imagined latents drift from true ones."""

from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from jepa_social.data.dataset import SceneWindows
from jepa_social.data.module import SceneDataModule
from jepa_social.evaluation.figures import save
from jepa_social.evaluation.probe_figures import drift_figure, probe_figure
from jepa_social.evaluation.probe_scores import Score, auc_score, r2_score, ratio_score
from jepa_social.evaluation.probe_targets import TARGETS
from jepa_social.evaluation.probes import Samples, attentive_probe, linear_probe
from jepa_social.evaluation.results import Scores, merge_scores
from jepa_social.evaluation.statistics import Interval
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.diagnostics import drift_errors
from jepa_social.models.jepa import SocialJEPA
from jepa_social.stages.belief_inputs import untrained_twin
from jepa_social.stages.probe_samples import CHUNK, Features, JepaFeatures, RawFeatures, gather

STEPS = (1, 3, 6, 12)
"""Horizons whose drift is a score; the picture has all."""
LEAST = 20
"""Samples below which nothing is fitted or scored."""


def probe_latents(run: Path, world_model: WorldModel, settings: DictConfig, suite: DictConfig, ours: str) -> None:
    """Fit and score all probes, measure drift, and merge both into `run` with figures of its name.

    Rows: the run's latents, those of an untrained encoder of the same sizes, and the raw state without an encoder.

    Raises:
        ValueError: `suite.split` is neither test nor val, or a split that is needed has no recordings.
    """
    data: SceneDataModule = instantiate(settings.data.module)
    observed = settings.data.module.observed
    roles = _roles(data, suite)
    rows: dict[str, Features] = {
        ours: JepaFeatures(world_model.jepa),
        "untrained": JepaFeatures(untrained_twin(world_model.jepa, suite.seed)),
        "raw state": RawFeatures(),
    }
    samples = {
        role: gather(windows, chosen, rows, observed, suite.others, role) for role, (windows, chosen) in roles.items()
    }
    found: dict[str, dict[str, Score]] = {name: {} for name in rows}
    skipped: dict[str, None] = {}
    for target, unit in track(TARGETS.items(), description="probing"):
        for name in rows:
            fit, select, score = (
                _some(samples[role][name][target], suite.samples, suite.seed) for role in ("fit", "select", "score")
            )
            if not all(len(one) >= LEAST and (unit == "r2" or _both(one)) for one in (fit, select, score)):
                skipped[target] = None
                continue
            for kind, prediction in (
                ("linear", linear_probe(fit, select, score, unit)),
                ("attentive", attentive_probe(fit, select, score, unit, suite.steps, suite.seed)),
            ):
                found[name][f"{kind}_{target}_{unit}"] = _score(prediction, score, unit)
    if skipped:
        Console().print(
            f"not probed: {', '.join(skipped)} (fewer than {LEAST} samples or a single class to fit, select or score; "
            "raise suite.fit, suite.select and suite.score, or lower data.module.eval_stride)"
        )
    drift = _drift(world_model.jepa, *roles["score"], observed)
    found[ours] |= {f"drift_{step}": drift[step - 1] for step in STEPS if step <= len(drift)}
    scores: Scores = {name: {m: score.interval() for m, score in row.items()} for name, row in found.items()}
    merge_scores(run, suite.name, scores, {ours: _gaps(found, ours)})
    save(probe_figure(scores, TARGETS), run / "figures" / f"{suite.name}.png")
    intervals = [score.interval() for score in drift]
    save(drift_figure(intervals, settings.data.module.dt), run / "figures" / f"{suite.name}_drift.png")


def _roles(data: SceneDataModule, suite: DictConfig) -> dict[str, tuple[SceneWindows, np.ndarray]]:
    """The windows that probes are fitted on, tuned on and scored on."""
    if suite.split not in ("test", "val"):
        raise ValueError(f"suite.split must be test or val, got `{suite.split}`")
    found: dict[str, SceneWindows] = {}
    for split in dict.fromkeys(("train", "val", suite.split)):
        windows = data.windows(split)
        if windows is None:
            raise ValueError(f"suite=probes needs {split} recordings: set data.source.{split} to hold some out")
        found[split] = windows
    train = np.arange(len(found["train"]))
    if suite.split == "val":
        cut = 3 * len(train) // 4  # windows lie by recording and time, so this is a later part or other recordings
        pools = {"fit": ("train", train[:cut]), "select": ("train", train[cut:]), "score": ("val", None)}
    else:
        pools = {"fit": ("train", train), "select": ("val", None), "score": ("test", None)}
    chance, roles = np.random.default_rng(suite.seed), {}
    for role, (split, pool) in pools.items():
        pool = np.arange(len(found[split])) if pool is None else pool
        roles[role] = (found[split], np.sort(chance.choice(pool, min(len(pool), suite[role]), replace=False)))
    return roles


def _some(samples: Samples, most: int, seed: int) -> Samples:
    """At most `most` samples, the same for every policy."""
    if len(samples) <= most:
        return samples
    return samples.where(torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))[:most])


def _both(samples: Samples) -> bool:
    return bool((samples.target == 0).any() and (samples.target == 1).any())


def _score(prediction: torch.Tensor, samples: Samples, unit: str) -> Score:
    guess, truth, window = prediction.double().numpy(), samples.target.double().numpy(), samples.window.numpy()
    return auc_score(guess[:, 0], truth[:, 0], window) if unit == "auc" else r2_score(guess, truth, window)


def _gaps(found: dict[str, dict[str, Score]], ours: str) -> dict[str, dict[str, Interval]]:
    """Metric to baseline to ours minus the baseline."""
    others = {name: row for name, row in found.items() if name != ours}
    gaps = {
        m: {name: score.minus(row[m]) for name, row in others.items() if m in row} for m, score in found[ours].items()
    }
    return {metric: gap for metric, gap in gaps.items() if gap}


@torch.no_grad()
def _drift(jepa: SocialJEPA, windows: SceneWindows, chosen: np.ndarray, observed: int) -> list[Score]:
    """Latent rollout drift of every horizon step, with draws over windows."""
    tops, bottoms = [], []
    for start in range(0, len(chosen), CHUNK):
        error, copied, seen = drift_errors(jepa, windows.batch(chosen[start : start + CHUNK]), observed)
        tops.append((error * seen).sum(1))
        bottoms.append((copied * seen).sum(1))
    top, bottom = torch.cat(tops).double().numpy(), torch.cat(bottoms).double().numpy()
    return [ratio_score(top[:, step], bottom[:, step], np.arange(len(top))) for step in range(top.shape[1])]
