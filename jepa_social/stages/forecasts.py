"""Forecast evaluation: the model beside the rows that need no network, on held-out recordings."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from jepa_social.data.dataset import SceneWindows
from jepa_social.data.module import SceneDataModule
from jepa_social.data.sampler import AgentBudgetSampler
from jepa_social.evaluation.anchors import Anchors
from jepa_social.evaluation.ensemble import Ensemble
from jepa_social.evaluation.forecast_scores import PROBABILISTIC, forecast_scores, truth_scores
from jepa_social.evaluation.forecasters import (
    ConstantVelocityForecaster,
    Forecaster,
    Imagines,
    LeastSquares,
    Named,
    RandomHeadings,
    StandStill,
)
from jepa_social.evaluation.labels import ordered
from jepa_social.evaluation.missing import drop_frames
from jepa_social.evaluation.results import Scores, merge_scores, merging
from jepa_social.evaluation.statistics import bootstrap_columns
from jepa_social.files import with_draft
from jepa_social.mind.world_model import WorldModel
from jepa_social.runs import read_settings, run_folder
from jepa_social.scene import Scene

TABLE = "forecasts.parquet"
TRUTH = "truth"
AGENTS = 512
"""Most agents scored side by side; no score depends on it."""
SHAPE = ("observed", "future", "dt")
"""Settings of windows that a forecast depends on."""
KEYS = ("suite", "policy", "window", "recording", "agent", "id")
Columns = dict[str, np.ndarray]
"""Score to `[n]`, a number an agent."""


def score_forecasts(
    run: Path, model: Imagines, trained: DictConfig, tested: DictConfig, suite: DictConfig, ours: str
) -> None:
    """Score `model` and the rows without a network and merge them into `run`'s results under `suite.name`.

    `forecasts.parquet` gets a row an agent and policy: window, recording, number in the window, logged id and every
    score. Windows, not agents, are resampled for the intervals: people who walk together err together.

    Args:
        run: the run directory.
        model: what is tested.
        trained: settings that it was trained with; anchors are fitted to these training windows.
        tested: settings whose recordings it is tested on, often the same.
        suite: `name`, `split`, `drop`, `windows`, `members`, `baselines`, `samples`: see `configs/suite/forecast.yaml`.
        ours: the model's name in the tables.

    Raises:
        FileNotFoundError: a member is no finished run.
        ValueError: an unknown split or kind of windows, no recordings in the split, `drop` outside [0, 1), or a member
            that was trained on other recordings.
    """
    if suite.split not in ("val", "test"):
        raise ValueError(f"suite.split={suite.split}: choose test, or val")
    if suite.windows not in ("trained", "tested"):
        raise ValueError(f"suite.windows={suite.windows}: choose trained, or tested")
    own, module = trained.data.module, (trained if suite.windows == "trained" else tested).data.module
    shape = {name: module[name] for name in SHAPE}
    data: SceneDataModule = instantiate(tested.data.module, **shape, agents_per_batch=AGENTS)
    windows = data.windows(suite.split)
    if windows is None:
        raise ValueError(
            f"suite={suite.name} needs {suite.split} recordings: set data.source.{suite.split} (or data.fold) "
            "to hold some out"
        )
    rows: list[Forecaster] = [Named(ours, model)]
    if suite.members:
        rows.append(Ensemble(f"{ours}, mean of {len(suite.members) + 1}", [model, *_members(suite.members, trained)]))
    if suite.baselines:
        rows += [StandStill(), ConstantVelocityForecaster(), LeastSquares(), RandomHeadings()]
        if all(own[name] == value for name, value in shape.items()):  # anchors are futures of training windows
            rows.append(Anchors.fit(_training_scenes(trained), module.observed))
    batches = list(AgentBudgetSampler(windows, windows.counts, data.agents_per_batch, data.pairs_per_batch, False))
    watched = track(batches, description=suite.name)
    about, found = score_windows(rows, windows, watched, module.observed, suite.drop, suite.samples)
    _write_table(run, suite.name, about, found)
    merge_scores(run, suite.name, *summarise(found, about["window"], ours))


def score_windows(
    rows: Sequence[Forecaster],
    windows: SceneWindows,
    batches: Iterable[Sequence[int]],
    observed: int,
    drop: float,
    samples: bool = True,
) -> tuple[Columns, dict[str, Columns]]:
    """Who was scored (window, recording, agent, id) and every policy's scores, an entry an agent, by window and agent.

    A policy whose draws never differ has no likelihood and no calibration.
    """
    about: list[Columns] = []
    parts: dict[str, list[Columns]] = {row.name: [] for row in rows} | {TRUTH: []}
    for batch in batches:
        scene = windows.batch(batch)
        scored, truth = scene.present.all(-1), scene.position[:, :, observed:]
        if not scored.any():
            continue
        seen = drop_frames(scene.between(0, observed), drop, batch)
        about.append(_who(windows, batch, scored))
        for row in rows:
            parts[row.name].append(_flat(forecast_scores(row, seen, truth, scored, samples), scored))
        parts[TRUTH].append(_flat(truth_scores(truth, scored), scored))
    if not about:
        raise ValueError("no agent is seen in all frames of a window: nothing to score")
    who = _joined(about)
    order = np.lexsort((who["agent"], who["window"]))
    scores = {name: {m: v[order] for m, v in _joined(part).items()} for name, part in parts.items()}
    for columns in scores.values():
        if not columns.pop("spread", np.zeros(1)).any():
            for name in PROBABILISTIC:
                columns.pop(name, None)
    return {name: value[order] for name, value in who.items()}, scores


def summarise(found: dict[str, Columns], window: np.ndarray, ours: str) -> tuple[Scores, dict[str, Scores]]:
    """Intervals of every policy, and of ours minus every other's, for `merge_scores`."""
    scores = {name: _intervals(columns, window) for name, columns in found.items()}
    gaps: Scores = {}
    for other, columns in found.items():
        if other == ours:
            continue
        gap = _intervals({m: found[ours][m] - v for m, v in columns.items() if m in found[ours]}, window)
        for metric, interval in gap.items():
            gaps.setdefault(metric, {})[other] = interval
    return scores, {ours: gaps}


def _intervals(columns: Columns, window: np.ndarray) -> dict:
    found = bootstrap_columns(np.stack(list(columns.values()), 1), window)
    return dict(zip(columns, found, strict=True))


def _members(runs: Sequence[str], trained: DictConfig) -> list[WorldModel]:
    """The world models of `runs`, which must have seen what the run itself has: none may know the test recordings."""
    models, own = [], _sources(trained)
    for run in runs:
        folder = run_folder(run)
        models.append(WorldModel.load(folder))
        if _sources(read_settings(folder)) != own:
            raise ValueError(f"suite.members: {run} was trained on other recordings: name runs that differ in the seed")
    return models


def _sources(settings: DictConfig) -> list:
    """Where recordings came from, those of pretraining too."""
    found = (settings.data.source, settings.pretrain.source)
    return [None if one is None else OmegaConf.to_container(one, resolve=True) for one in found]


def _training_scenes(trained: DictConfig) -> Iterator[Scene]:
    """The training windows of the run, batch by batch."""
    data: SceneDataModule = instantiate(trained.data.module)
    windows = data.windows("train")
    assert windows is not None, "it was trained on them"
    for batch in AgentBudgetSampler(windows, windows.counts, data.agents_per_batch, data.pairs_per_batch, False):
        yield windows.batch(batch)


def _who(windows: SceneWindows, batch: Sequence[int], scored: torch.Tensor) -> Columns:
    place, agent = (index.numpy() for index in scored.nonzero(as_tuple=True))
    window = np.asarray(batch)[place]
    return {
        "window": window,
        "recording": np.array([windows.origin(w)[0] for w in batch], dtype=object)[place],
        "agent": agent,
        "id": np.concatenate([windows.ids(w)[agent[place == i]] for i, w in enumerate(batch)]),
    }


def _flat(scores: dict[str, torch.Tensor], scored: torch.Tensor) -> Columns:
    return {name: value[scored].double().numpy() for name, value in scores.items()}


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _write_table(run: Path, suite: str, about: Columns, found: dict[str, Columns]) -> None:
    """Replace the rows of this suite in `forecasts.parquet`; others stay."""
    metrics = ordered({name for columns in found.values() for name in columns})
    count = len(about["window"])
    columns = {"suite": np.full(len(found) * count, suite, dtype=object)}
    columns["policy"] = np.repeat(np.array(list(found), dtype=object), count)
    columns |= {name: np.tile(value, len(found)) for name, value in about.items()}
    unknown = np.full(count, np.nan)
    for m in metrics:
        columns[m] = np.concatenate([one.get(m, unknown) for one in found.values()]).astype(np.float32)
    table = pa.table({name: columns[name] for name in (*KEYS, *metrics)})
    path = run / TABLE
    with merging(run):
        if path.is_file():
            old = pq.read_table(path)
            table = pa.concat_tables([old.filter(pc.field("suite") != suite), table], promote_options="default")
        with_draft(path, lambda draft: pq.write_table(table, draft, compression="zstd"))
