"""Small grids of the real configs, and a training run that takes no time."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf, open_dict

from jepa_social.bench.grid import Grid, expand
from jepa_social.bench.records import Record
from jepa_social.evaluation.results import merge_scores
from jepa_social.evaluation.statistics import Interval
from jepa_social.runs import read_settings, write_settings
from jepa_social.stages.training import known_by
from tests.stages.runs import CONFIGS

TABLE = {
    "name": "toy",
    "title": "A toy",
    "base": ["experiment=crowd"],
    "axis": "data.source.seed",
    "folds": [5, 6],
    "seeds": [0, 1],
    "reference": None,
    "rows": {"one": ["model.depth=1"], "two, more": ["model.depth=2"]},
    "suites": [["suite=forecast"]],
    "metrics": ["ade"],
    "baselines": ["constant velocity"],
    "x": None,
}


def bench_config(*overrides: str) -> DictConfig:
    """`configs/bench/ablate.yaml` as on the command line."""
    with initialize_config_dir(str(CONFIGS / "bench"), version_base="1.3"):
        return compose("ablate", list(overrides))


def toy_config(folder: Path, **changes) -> DictConfig:
    config = bench_config("ablation=objective", f"runs={folder / 'runs'}", f"results={folder / 'results'}")
    with open_dict(config):
        config.ablation = OmegaConf.create(TABLE | changes)
    return config


def toy_grid(folder: Path, **changes) -> Grid:
    return expand(toy_config(folder, **changes))


class Toy:
    """Stands in for `train` and `evaluate`; counts, and fails where it is told to."""

    def __init__(self, fails: dict[str, BaseException] | None = None):
        self.fails = fails or {}
        self.trained: list[str] = []

    def train(self, config: DictConfig) -> None:
        run = Path(config.run)
        run.mkdir(parents=True, exist_ok=True)
        write_settings(run, known_by(config))
        name = "/".join(run.parts[-2:])
        self.trained.append(name)
        print(f"training {name}")
        if name in self.fails:
            raise self.fails[name]

    def evaluate(self, config: DictConfig) -> None:
        trained = read_settings(config.run)
        ade = 0.1 * trained.model.depth + 0.01 * trained.seed + trained.data.source.seed
        scores = {"jepa": {"ade": _exact(ade)}, "constant velocity": {"ade": _exact(9.0)}}
        merge_scores(Path(config.run), config.suite.name, scores)


def _exact(value: float) -> Interval:
    return Interval(value, value, value, 50)


def record(row: str, fold: str, seed: int, value: float, **changes) -> Record:
    given = {
        "title": "A toy", "reference": "ref", "x_label": "", "row": row, "line": "", "x": None, "fold": fold,
        "seed": seed, "policy": "jepa", "suite": "forecast", "metric": "ade", "value": value, "n": 50, "commit": "abc",
        "date": "2026-01-01T00:00:00+00:00", "seconds": 1.0,
    }  # fmt: skip
    return Record(**(given | changes))
