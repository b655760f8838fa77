"""`evaluate`: every suite on a small run."""

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jepa_social.data.logs import Logs
from jepa_social.stages.suites import evaluate
from tests.stages.runs import composed

SOLVER = "+planner.solver.samples=16"
EPISODES = {"crowd": 4, "replay": 3}


@pytest.fixture(scope="module")
def evaluated(finished) -> Path:
    """The finished run with all its suites."""
    evaluate(composed("eval", f"run={finished}", "suite=forecast"))
    evaluate(composed("eval", f"run={finished}", "suite=crowd", "suite.episodes=4", "suite.batch=4", SOLVER))
    report = evaluate(composed("eval", f"run={finished}", "suite=replay", "suite.episodes=3", SOLVER))
    assert report == finished / "report.html"
    return finished


def results(run: Path) -> dict:
    return json.loads((run / "results.json").read_text())


def test_results_follow_the_schema(evaluated):
    found = results(evaluated)
    assert set(found) == {"crowd", "replay", "forecast"}, "suites are added to one another"
    for policies in found.values():
        assert "jepa" in policies
        for metrics in policies.values():
            for interval in metrics.values():
                assert set(interval) == {"mean", "low", "high", "n"}
                assert isinstance(interval["n"], int)
                if interval["mean"] is not None:
                    assert interval["low"] - 1e-9 <= interval["mean"] <= interval["high"] + 1e-9


@pytest.mark.parametrize("suite", ["crowd", "replay"])
def test_every_policy_walks_every_episode(evaluated, suite):
    policies = results(evaluated)[suite]
    expected = {"jepa", "constant-velocity MPC", "straight line"}
    assert expected <= set(policies)
    assert ("recorded human" in policies) == (suite == "replay")
    assert len(policies) == (6 if suite == "crowd" else 7)
    for metrics in policies.values():
        assert metrics["success"]["n"] == EPISODES[suite]
        ended = sum(metrics[name]["mean"] for name in ("success", "collision", "timeout"))
        assert ended == pytest.approx(1.0)
    table = pq.read_table(evaluated / "episodes.parquet").to_pylist()
    rows = [row for row in table if row["suite"] == suite]
    seeds = {policy: {row["seed"] for row in rows if row["policy"] == policy} for policy in policies}
    assert all(each == seeds["jepa"] and len(each) == EPISODES[suite] for each in seeds.values())


def test_forecasts_are_scored_beside_constant_velocity(evaluated):
    rows = results(evaluated)["forecast"]
    assert set(rows) == {"jepa", "constant velocity"}
    for metrics in rows.values():
        assert set(metrics) == {"ade", "fde", "miss_rate", "collision_share"}
        assert metrics["ade"]["n"] == rows["jepa"]["ade"]["n"] > 0
        assert 0 < metrics["ade"]["mean"] < metrics["fde"]["mean"] < 10


def test_the_report_tells_of_every_suite_and_policy(evaluated):
    report = (evaluated / "report.html").read_text()
    assert "<html" in report
    for suite, policies in results(evaluated).items():
        assert suite in report.lower()
        for policy in policies:
            assert policy in report, policy
    assert 'src="http' not in report, "the page must stand alone"
    assert list((evaluated / "videos").glob("*.mp4"))


def test_the_episodes_are_logs_again(evaluated):
    for suite in ("crowd", "replay"):
        recordings = Logs(str(evaluated / f"log_{suite}.parquet"), val=0.0, test=0.0).recordings("train")
        policies = len(results(evaluated)[suite])
        assert len(recordings) == EPISODES[suite] * policies


def test_the_same_evaluation_gives_the_same_results(evaluated):
    before = results(evaluated)
    evaluate(composed("eval", f"run={evaluated}", "suite=forecast"))
    evaluate(composed("eval", f"run={evaluated}", "suite=replay", "suite.episodes=3", SOLVER))
    after = results(evaluated)
    for suite in ("forecast", "replay"):
        for policy, metrics in before[suite].items():
            for name, interval in metrics.items():
                if name == "decision_ms":
                    continue
                for key, value in interval.items():
                    now = after[suite][policy][name][key]
                    assert (value is None) == (now is None), (suite, policy, name)
                    assert value is None or math.isclose(value, now, rel_tol=1e-3, abs_tol=1e-3), (suite, policy, name)


def test_a_run_is_evaluated_on_data_that_have_moved(evaluated, tmp_path):
    before = results(evaluated)["forecast"]
    evaluate(composed("eval", f"run={evaluated}", "suite=forecast", f"+data.root={tmp_path}"))
    assert list((tmp_path / "simulated").glob("*.parquet")), "made anew where data.root points"
    assert results(evaluated)["forecast"] == before


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is it a run directory, and did train\.py finish"):
        evaluate(composed("eval", f"run={tmp_path}", "suite=forecast"))
