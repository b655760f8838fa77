"""One search for all baselines: `python -m jepa_social.tune` tries numbers on validation scenarios.

Every baseline gets the same scenarios, the same number of trials and the same points of the unit cube (a scrambled
Sobol sequence), stretched to its own ranges. A trial's score is the mean over episodes of success - time / limit -
discomfort, a failure's time being the limit. The whole table goes to `results/tune/<suite>.csv`, the best trial marked.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import qmc

from jepa_social.bench.cells import ROOT
from jepa_social.evaluation.navigation import Navigation, navigation
from jepa_social.evaluation.runner import run_episodes
from jepa_social.files import with_draft
from jepa_social.planning.build import baseline

PLANNER = "planner."
"""How settings begin that are not the baseline's own but the planner's."""

METRICS = ("success", "collision", "navigation_time", "discomfort")
COLUMNS = ("suite", "baseline", "trial", "chosen", "score", *METRICS, "episodes", "first_seed", "settings")


def settings_of(config: DictConfig, name: str) -> Iterator[dict[str, float]]:
    """The settings of each trial of the baseline `name`; the first one is empty: what the configs say.

    Raises:
        ValueError: a range is not `[least, greatest]`, or the baseline is not of the suite.
    """
    if name not in config.suite.baselines:
        raise ValueError(f"search.{name}: suite.baselines has only {', '.join(config.suite.baselines)}")
    ranges = {str(key): list(value) for key, value in config.search[name].items()}
    for key, value in ranges.items():
        if len(value) != 2 or not value[0] <= value[1]:
            raise ValueError(f"search.{name}.{key} must be [least, greatest], got {value}")
    yield {}
    cube = qmc.Sobol(len(ranges), rng=config.seed)
    for point in cube.random(max(config.trials, 1))[: config.trials - 1]:
        pairs = zip(ranges.items(), point.tolist(), strict=True)
        yield {key: round(low + share * (high - low), 4) for (key, (low, high)), share in pairs}


def score_of(scores: Navigation, limit: float) -> float:
    """See the module."""
    time = scores.navigation_time.nan_to_num(nan=limit)
    return float((scores.success - time / limit - scores.discomfort).mean())


def tune(config: DictConfig, name: str) -> list[dict[str, object]]:
    """The rows of one baseline, a trial each, the best one chosen."""
    suite, rows = config.suite, []
    world = instantiate(suite.world)
    seeds = range(suite.first_seed, suite.first_seed + suite.episodes)
    trials = list(settings_of(config, name))
    for number, settings in enumerate(track(trials, description=name)):
        own, planner = suite.baselines[name].copy(), config.planner.copy()
        for key, value in settings.items():
            theirs = key.startswith(PLANNER)
            OmegaConf.update(planner if theirs else own, key.removeprefix(PLANNER), value, force_add=not theirs)
        policy = baseline(own, world, planner)
        scores = navigation(run_episodes(world, policy, seeds, suite.batch))
        means = {metric: round(float(getattr(scores, metric).nanmean()), 4) for metric in METRICS}
        told = " ".join(f"{key}={value:g}" for key, value in settings.items()) or "configs"
        row = {
            "suite": suite.name,
            "baseline": name,
            "trial": number,
            "score": round(score_of(scores, world.limit_s), 4),
        }
        rows.append({**row, **means, "episodes": len(seeds), "first_seed": suite.first_seed, "settings": told})
    best = max(rows, key=lambda row: row["score"])
    return [{**row, "chosen": int(row is best)} for row in rows]


@hydra.main(version_base="1.3", config_path=str(ROOT / "configs"), config_name="tune")
def main(config: DictConfig) -> None:
    """Search, print the chosen rows, and write all of them; other baselines' rows of the file are kept."""
    names = list(config.search) if config.only is None else [config.only]
    path = Path(config.results) / "tune" / f"{config.suite.name}.csv"
    table = Table("baseline", "score", *METRICS, "settings")
    for name in names:
        rows = tune(config, name)
        chosen = next(row for row in rows if row["chosen"])
        table.add_row(name, *(str(chosen[key]) for key in ("score", *METRICS, "settings")))
        kept = [row for row in read_rows(path) if row["baseline"] != name]
        with_draft(path, lambda draft, rows=[*kept, *rows]: write_rows(draft, rows))
    Console().print(table)


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows of an earlier search, if any."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


def write_rows(draft: Path, rows: list[dict[str, object]]) -> None:
    """Write the table."""
    with draft.open("w", newline="") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
