import csv

import pytest

from jepa_social.tune import main, settings_of, tune
from tests.planning.test_baselines import composed

SMALL = (
    "suite.episodes=3",
    "suite.people=3",
    "+suite.world.limit=12.0",
    "trials=3",
    "planner.solver.samples=36",
    "planner.mpc.horizon=2.0",
)


def test_every_baseline_gets_the_same_number_of_trials_within_its_ranges():
    config = composed("tune")
    for name, ranges in config.search.items():
        trials = list(settings_of(config, name))
        assert len(trials) == config.trials
        assert trials[0] == {}, "what the configs say"
        for settings in trials[1:]:
            assert set(settings) == set(ranges)
            assert all(low <= settings[key] <= high for key, (low, high) in ranges.items())
    assert config.suite.first_seed >= 2_000_000, "validation scenarios"


def test_the_best_trial_is_chosen_and_settings_take_effect():
    rows = tune(composed("tune", *SMALL, "search.orca.margin=[0.6,0.6]"), "orca")
    assert [row["trial"] for row in rows] == [0, 1, 2]
    chosen = [row for row in rows if row["chosen"]]
    assert len(chosen) == 1
    assert chosen[0]["score"] == max(row["score"] for row in rows)
    assert rows[0]["discomfort"] > rows[1]["discomfort"], "0.6 m of margin leave nobody near"
    again = tune(composed("tune", *SMALL, "search.orca.margin=[0.6,0.6]"), "orca")
    assert str(rows) == str(again)


def test_the_planners_settings_are_searched_too():
    config = composed("tune", *SMALL).copy()
    config.trials, config.search.constant_velocity = 2, {"planner.cost.weights.progress": [0.0, 0.0]}
    willing, lazy = tune(config, "constant_velocity")
    assert lazy["settings"] == "planner.cost.weights.progress=0"
    assert lazy["success"] == 0.0 < willing["success"], "who gains nothing by it does not go"
    with pytest.raises(ValueError, match=r"search\.orca\.margin must be"):
        list(settings_of(composed("tune", "search.orca.margin=[0.3,0.1]"), "orca"))


def test_rows_of_other_baselines_stay(tmp_path, monkeypatch):
    for only in ("orca", "social_force", "orca"):
        monkeypatch.setattr("sys.argv", ["tune", *SMALL, f"results={tmp_path}", f"only={only}"])
        main()
    with next((tmp_path / "tune").glob("*.csv")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["baseline"] for row in rows) == ["orca"] * 3 + ["social_force"] * 3
