"""`evaluate`: every suite on a small run."""

import json
import math
from html import escape
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hydra.utils import instantiate

from jepa_social.data.logs import Logs
from jepa_social.planning.acquainted import Acquainted
from jepa_social.runs import read_settings, write_settings
from jepa_social.stages.suites import _policies, evaluate
from jepa_social.stages.training import train
from tests.planning.strolls import world_model
from tests.stages.runs import composed, crowd

SOLVER = "+planner.solver.samples=16"
EPISODES = {"crowd": 4, "replay": 3}
SHORT = ("pretrain.epochs=1", "+trainer.limit_train_batches=1", "+trainer.limit_val_batches=1")
ROWS = ["jepa", "stand still", "constant velocity", "least squares", "random headings", "anchors"]


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


@pytest.mark.parametrize(("name", "reactive"), [("doorway", True), ("doorway", False), ("crowd", True)])
def test_who_counts_on_reactions_is_held_against_who_does_not(name, reactive, tmp_path):
    settings = composed("train", f"planner.reactive={str(reactive).lower()}")
    suite = composed("eval", "run=unused", f"suite={name}").suite
    policies = {one.name: one for one in _policies(tmp_path, suite, settings, world_model(), instantiate(suite.world))}
    assert ("jepa without reaction" in policies) == (name == "doorway" and reactive), "only where people see the ego"
    if "jepa without reaction" in policies:
        ours, blind = (vars(policies[one])["dynamics"] for one in ("jepa", "jepa without reaction"))
        assert (ours.reactive, blind.reactive) == (True, False)
        assert ours.world_model is blind.world_model


def test_who_does_not_count_on_reactions_gets_to_know_people_as_ours_does(tmp_path):
    settings = composed("train", "planner.cost.weights.social_reward=0.3")
    suite = composed("eval", "run=unused", "suite=doorway").suite
    policies = {one.name: one for one in _policies(tmp_path, suite, settings, world_model(), instantiate(suite.world))}
    ours, blind = policies["jepa"], policies["jepa without reaction"]
    assert isinstance(ours, Acquainted)
    assert isinstance(blind, Acquainted)
    assert ours.regard is not blind.regard, "each learns by itself"


def test_results_follow_the_schema(evaluated):
    found = results(evaluated)
    assert {"crowd", "replay", "forecast"} <= set(found), "suites are added to one another"
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
    assert len(policies) == (7 if suite == "crowd" else 8)
    for metrics in policies.values():
        assert metrics["success"]["n"] == EPISODES[suite]
        ended = sum(metrics[name]["mean"] for name in ("success", "collision", "timeout"))
        assert ended == pytest.approx(1.0)
    table = pq.read_table(evaluated / "episodes.parquet").to_pylist()
    rows = [row for row in table if row["suite"] == suite]
    seeds = {policy: {row["seed"] for row in rows if row["policy"] == policy} for policy in policies}
    assert all(each == seeds["jepa"] and len(each) == EPISODES[suite] for each in seeds.values())


def test_forecasts_are_scored_beside_rows_without_a_network(evaluated):
    rows = results(evaluated)["forecast"]
    assert list(rows) == [*ROWS, "truth"]
    assert set(rows.pop("truth")) == {"collision_share"}
    for name, metrics in rows.items():
        assert ("nll" in metrics) == (name in ("jepa", "random headings", "anchors"))
        assert "spread" not in metrics
        assert metrics["ade"]["n"] == rows["jepa"]["ade"]["n"] > 0
        assert 0 < metrics["ade"]["mean"] < metrics["fde"]["mean"] < 10
        assert metrics["ade_20"]["mean"] <= metrics["joint_ade_20"]["mean"] + 1e-9


def test_differences_are_ours_minus_every_row(evaluated):
    rows = results(evaluated)["forecast"]
    gaps = json.loads((evaluated / "differences.json").read_text())["forecast"]["jepa"]
    assert set(gaps["ade"]) == set(ROWS) - {"jepa"}
    assert set(gaps["nll"]) == {"random headings", "anchors"}
    for metric, each in gaps.items():
        for row, gap in each.items():
            expected = rows["jepa"][metric]["mean"] - rows[row][metric]["mean"]
            assert gap["mean"] == pytest.approx(expected, abs=1e-9), (metric, row)


def test_the_table_of_forecasts_has_a_row_an_agent_and_policy(evaluated):
    table = pq.read_table(evaluated / "forecasts.parquet")
    assert table.column_names[:6] == ["suite", "policy", "window", "recording", "agent", "id"]
    rows, found = table.to_pylist(), results(evaluated)["forecast"]
    for policy in [*ROWS, "truth"]:
        mine = [row for row in rows if (row["suite"], row["policy"]) == ("forecast", policy)]
        assert (
            len({(row["window"], row["agent"]) for row in mine}) == len(mine) == found[policy]["collision_share"]["n"]
        )
        for metric, interval in found[policy].items():
            assert sum(row[metric] for row in mine) / len(mine) == pytest.approx(interval["mean"], rel=1e-5, abs=1e-7)
    ours, rival = ([(r["window"], r["agent"]) for r in rows if r["policy"] == p] for p in ("jepa", "anchors"))
    assert ours == rival, "rows can be paired"


def test_settings_lie_side_by_side(finished):
    """Lost observations and validation recordings get names of their own and leave the others alone."""
    for name, change in (("forecast_drop50", "suite.drop=0.5"), ("forecast_val", "suite.split=val")):
        evaluate(composed("eval", f"run={finished}", "suite=forecast", f"suite.name={name}", change))
    found = results(finished)
    whole, lost, val = (found[name] for name in ("forecast", "forecast_drop50", "forecast_val"))
    assert lost["constant velocity"] == whole["constant velocity"], "it looks at the last two frames only"
    assert lost["least squares"]["ade"]["mean"] != whole["least squares"]["ade"]["mean"]
    assert lost["jepa"]["ade"]["mean"] != whole["jepa"]["ade"]["mean"]
    assert lost["jepa"]["ade"]["n"] == whole["jepa"]["ade"]["n"] != val["jepa"]["ade"]["n"]
    suites = set(pq.read_table(finished / "forecasts.parquet")["suite"].to_pylist())
    assert suites == {"forecast", "forecast_drop50", "forecast_val"}


@pytest.mark.parametrize(("intents", "best_of"), [(0, set()), (1, set()), (5, {"5"})])
def test_a_model_is_scored_on_the_best_of_no_more_futures_than_it_has(data_root, tmp_path, intents, best_of):
    run = train(crowd(data_root, tmp_path / "run", f"model.intents={intents}", *SHORT))
    evaluate(composed("eval", f"run={run}", "suite=forecast", "suite.baselines=false"))
    ours = results(run)["forecast"]["jepa"]
    assert {"ade", "fde", "nll", "inside_90"} <= set(ours)
    told = {name.rpartition("_")[2] for name in ours if name.startswith(("ade_", "joint_", "mean_", "miss_rate_"))}
    assert told == best_of


def test_runs_that_differ_in_the_seed_are_averaged(finished, data_root, tmp_path):
    other = train(crowd(data_root, tmp_path / "other", "seed=1", *SHORT))
    name = "suite.name=forecast_together"
    evaluate(composed("eval", f"run={finished}", "suite=forecast", name, f"suite.members=[{finished}]"))
    rows = results(finished)["forecast_together"]
    assert list(rows) == ["jepa", "jepa, mean of 2", *ROWS[1:], "truth"]
    assert rows["jepa, mean of 2"]["ade"]["mean"] == pytest.approx(rows["jepa"]["ade"]["mean"], rel=1e-4)
    evaluate(composed("eval", f"run={finished}", "suite=forecast", name, f"suite.members=[{other}]"))
    rows = results(finished)["forecast_together"]
    assert rows["jepa, mean of 2"]["ade"]["mean"] != pytest.approx(rows["jepa"]["ade"]["mean"], rel=1e-4)
    whole = read_settings(other)
    for part in ("data", "pretrain"):
        settings = whole.copy()
        settings[part].source = {"_target_": "elsewhere"}
        write_settings(other, settings)
        with pytest.raises(ValueError, match="trained on other recordings"):
            evaluate(composed("eval", f"run={finished}", "suite=forecast", name, f"suite.members=[{other}]"))


def test_wrong_settings_are_named(finished):
    for change, message in (
        ("suite.split=train", "choose test, or val"),
        ("suite.windows=long", "choose trained, or tested"),
        ("suite.drop=1.5", r"suite\.drop must be"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(composed("eval", f"run={finished}", "suite=forecast", change))


def test_a_run_is_tested_on_other_recordings(finished, tmp_path):
    """`data@suite.data=trajnet`: the other reader's recordings, in windows like the run's or like its own."""
    chance = np.random.default_rng(0)
    folder = tmp_path / "sdd" / "Train" / "stanford"
    folder.mkdir(parents=True)
    paces = []  # m a recorded frame
    for recording in range(6):
        start, step = 5 * chance.normal(size=(4, 2)), 0.4 * chance.normal(size=(4, 2))
        paces.append(np.hypot(*step.T))
        rows = [f"{12 * t} {i} {x:.3f} {y:.3f}\n" for t in range(40) for i, (x, y) in enumerate(start + t * step)]
        (folder / f"place_{recording}.txt").write_text("".join(rows))
    transfer = [
        "suite=forecast", "suite.name=forecast_sdd", "data@suite.data=trajnet", f"suite.data.root={tmp_path / 'sdd'}",
        f"suite.data.module.cache_dir={tmp_path / 'cache'}", "suite.data.source.test=[place_0,place_1]",
    ]  # fmt: skip
    evaluate(composed("eval", f"run={finished}", *transfer))
    rows = results(finished)["forecast_sdd"]
    assert list(rows) == [*ROWS, "truth"]
    assert rows["constant velocity"]["ade"]["mean"] < 0.01, "they walk straight"
    table = pq.read_table(finished / "forecasts.parquet").to_pylist()
    assert {row["recording"] for row in table if row["suite"] == "forecast_sdd"} == {"place_0", "place_1"}
    frames = int(39 * 0.4 / 0.25) + 1  # resampled to the run's 0.25 s
    windows = {row["window"] for row in table if row["suite"] == "forecast_sdd"}
    assert len(windows) == 2 * (frames - 20 + 1)
    shorter = "suite.data.module.future=10"
    evaluate(composed("eval", f"run={finished}", *transfer, "suite.windows=tested", shorter))
    rows = results(finished)["forecast_sdd"]
    assert rows["constant velocity"]["ade"]["n"] == 4 * 2 * (40 - 18 + 1), "windows of the recordings' own rate"
    ours = [row for row in pq.read_table(finished / "forecasts.parquet").to_pylist() if row["suite"] == "forecast_sdd"]
    assert {row["policy"] for row in ours} == {*ROWS[:-1], "truth"}, "anchors have another rate and length"
    still = [row["fde"] for row in ours if row["policy"] == "stand still"]
    assert np.mean(still) == pytest.approx(10 * np.mean(paces[:2]), abs=0.01), "ten of their steps ahead"


def test_the_report_tells_of_every_suite_and_policy(evaluated):
    report = (evaluated / "report.html").read_text()
    assert "<html" in report
    for suite, policies in results(evaluated).items():
        assert suite in report.lower()
        for policy in policies:
            assert escape(policy) in report, policy
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
