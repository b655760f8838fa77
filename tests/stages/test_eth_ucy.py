"""The real protocol, end to end: `experiment=eth_ucy`, then `suite=forecast` and `suite=replay`."""

import json
from pathlib import Path

import pytest

from jepa_social.stages.suites import evaluate
from jepa_social.stages.training import train
from tests.stages.runs import TINY, composed


@pytest.fixture(scope="module")
def hotel(real_data, tmp_path_factory) -> Path:
    """A run on the hotel fold, trained on a handful of batches."""
    folder = tmp_path_factory.mktemp("hotel")
    run = train(
        composed(
            "train", "experiment=eth_ucy", "data.fold=hotel", f"data.root={real_data / 'eth_ucy'}", *TINY,
            f"data.module.cache_dir={folder / 'cache'}", f"run={folder / 'run'}", "pretrain.epochs=1",
            "+trainer.limit_train_batches=3", "+trainer.limit_val_batches=1", "data.module.stride=10",
        )
    )  # fmt: skip
    for suite in (["suite=forecast"], ["suite=replay", "suite.episodes=3", "+planner.solver.samples=16"]):
        evaluate(composed("eval", f"run={run}", *suite))
    return run


def test_the_constant_velocity_row_is_that_of_the_literature(hotel):
    """Hotel: 1053 agents of 301 windows, unrounded 0.323 / 0.617 m."""
    rows = json.loads((hotel / "results.json").read_text())["forecast"]
    row = rows["constant velocity"]
    assert row["ade"]["n"] == rows["jepa"]["ade"]["n"] == 1053
    assert round(row["ade"]["mean"], 3) == 0.323
    assert round(row["fde"]["mean"], 3) == 0.617


def test_real_people_can_be_replayed(hotel):
    rows = json.loads((hotel / "results.json").read_text())["replay"]
    assert {metrics["success"]["n"] for metrics in rows.values()} == {3}
    assert rows["recorded human"]["success"]["mean"] + rows["recorded human"]["collision"]["mean"] == pytest.approx(1)
    assert rows["recorded human"]["path_ratio"]["mean"] == pytest.approx(1.0, abs=0.05)
