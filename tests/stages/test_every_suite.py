"""Every suite in which policies walk, shrunk to a few short episodes of the small run."""

import json

import pyarrow.parquet as pq
import pytest

from jepa_social.stages.suites import evaluate
from tests.stages.runs import CONFIGS, composed

EPISODES = 2


def walked() -> list[str]:
    """Suites with episodes and baselines; forecasts and probes have tests of their own."""
    names = sorted(path.stem for path in (CONFIGS / "suite").glob("*.yaml"))
    suites = {name: composed("eval", "run=unused", f"suite={name}").suite for name in names}
    return [name for name, suite in suites.items() if "episodes" in suite and "baselines" in suite]


@pytest.mark.parametrize("name", walked())
def test_every_suite_runs(name, finished):
    suite = composed("eval", "run=unused", f"suite={name}").suite
    short = ["+suite.world.limit=1.5"] if "world" in suite else ["suite.dt=0.5"]
    evaluate(
        composed(
            "eval", f"run={finished}", f"suite={name}", f"suite.name={name}_short", f"suite.episodes={EPISODES}",
            "suite.batch=2", "+planner.solver.samples=8", *short,
        )
    )  # fmt: skip
    name = f"{name}_short"
    policies = json.loads((finished / "results.json").read_text())[name]
    assert {"jepa", "constant-velocity MPC", "straight line"} <= set(policies)
    for metrics in policies.values():
        assert metrics["success"]["n"] == EPISODES
        assert ("delay" in metrics) == bool("world" in suite and suite.world.visible), "who is seen may disturb"
        assert ("success_strangers" in metrics) == ("world" not in suite), "replayed people have groups"
    rows = [row for row in pq.read_table(finished / "episodes.parquet").to_pylist() if row["suite"] == name]
    seeds = {row["seed"] for row in rows}
    assert seeds == set(range(suite.first_seed, suite.first_seed + EPISODES))
    assert len(rows) == EPISODES * len(policies)
    assert (finished / "figures" / f"{name}_pareto.png").read_bytes()[1:4] == b"PNG"
    assert f"{name.replace('_', ' ')} pareto" in (finished / "report.html").read_text()
