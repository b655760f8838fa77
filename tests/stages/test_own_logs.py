"""One CSV of one's own, with the commands of the README: from a start that fails to results on held-out recordings."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pytest

from jepa_social.evaluation.results import read_results
from jepa_social.stages.suites import evaluate
from jepa_social.stages.training import train
from tests.stages.runs import TINY, composed


def plaza(folder: Path) -> Path:
    """Two minutes of four people who go to and fro."""
    time, agent = np.meshgrid(0.4 * np.arange(300), np.arange(4), indexing="ij")
    x, y = 5 * np.sin(0.2 * time + agent), 1.5 * agent + 0.2 * time % 1
    columns = {"time": time, "agent": agent, "x": x, "y": y}
    pv.write_csv(pa.table({name: column.ravel() for name, column in columns.items()}), folder / "plaza.csv")
    return folder / "plaza.csv"


def test_one_recording_trains_and_is_tested_on_its_end(tmp_path):
    run, path = tmp_path / "run", plaza(tmp_path)
    mine = ["experiment=table", f"data.source.path={path}", f"data.module.cache_dir={tmp_path / 'cache'}", *TINY]
    mine += [f"run={run}", "pretrain.epochs=1", "data.module.stride=4", "+data.module.eval_stride=4"]
    with pytest.raises(ValueError, match=r"(?s)no recording fell into train.*data\.source\.cut=8"):
        train(composed("train", *mine))
    assert not (run / "config.yaml").exists(), "a start that failed lays no claim to the folder"
    cut = ["data.source.val=0.2", "data.source.test=0.3"]  # of two minutes
    train(composed("train", *mine, *cut, "data.source.cut=8"))
    with pytest.raises(ValueError, match="was written with other settings"):
        train(composed("train", *mine, *cut, "data.source.cut=9"))
    quick = ["suite.baselines=false", "suite.samples=false", "suite.columns=[ade]"]
    evaluate(composed("eval", f"run={run}", "suite=forecast", *quick))
    ours = read_results(run)["forecast"]["jepa"]["ade"]
    assert ours.n > 0
    assert np.isfinite(ours.mean)
    walks = ["suite.episodes=2", "suite.batch=2", "+planner.solver.samples=8", "suite.columns=[success]"]
    evaluate(composed("eval", f"run={run}", "suite=replay", *walks))
    assert read_results(run)["replay"]["jepa"]["success"].n == 2
