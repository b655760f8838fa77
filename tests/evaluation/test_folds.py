"""Five folds, several seeds: who is averaged with whom, and how intervals add."""

import json
import math

import pytest
from rich.console import Console

from jepa_social.evaluation.folds import fold_table, over_folds, over_runs, read_runs, seed_spread
from jepa_social.evaluation.results import merge_scores
from jepa_social.evaluation.statistics import Interval


def run(root, fold, seed, ade, n, baseline=1.0):
    folder = root / f"{fold}_{seed}"
    folder.mkdir()
    (folder / "config.yaml").write_text(f"seed: {seed}\ndata:\n  fold: {fold}\n")

    def around(mean):
        return Interval(mean, mean - 0.1, mean + 0.1, n)

    scores = {"jepa": {"ade": around(ade), "nll": around(2.0)}, "still": {"ade": around(baseline)}}
    merge_scores(folder, "forecast", scores, {"jepa": {"ade": {"still": around(ade - baseline)}}})
    return folder


@pytest.fixture
def folders(tmp_path):
    return [run(tmp_path, *one) for one in (("zara1", 1, 0.5, 30), ("zara1", 0, 0.3, 30), ("eth", 0, 0.8, 10),
                                            ("eth", 1, 0.8, 10))]  # fmt: skip


def test_runs_are_sorted_by_fold_and_seed_and_bring_their_differences(folders):
    runs = read_runs(folders)
    assert [(r.fold, r.seed) for r in runs] == [("eth", 0), ("eth", 1), ("zara1", 0), ("zara1", 1)]
    assert runs[2].rows["jepa − still"]["ade"].mean == pytest.approx(-0.7)
    assert seed_spread(runs, "jepa", "ade") == pytest.approx(0.1 / math.sqrt(2)), "means of folds 0.55 and 0.65"
    assert seed_spread(runs[:3], "jepa", "ade") is None, "seed 1 lacks a fold"


def test_seeds_do_not_narrow_the_interval_and_folds_do():
    two = [Interval(0.3, 0.2, 0.4, 30), Interval(0.5, 0.4, 0.6, 30)]
    seeds = over_runs(two)
    assert (seeds.mean, seeds.low, seeds.high, seeds.n) == (*map(pytest.approx, (0.4, 0.3, 0.5)), 30)
    folds = over_folds([Interval(0.8, 0.7, 0.9, 10), seeds])
    half = 0.1 / math.sqrt(2)
    assert (folds.mean, folds.low, folds.high) == tuple(map(pytest.approx, (0.6, 0.6 - half, 0.6 + half)))
    pooled = over_folds([Interval(0.8, 0.7, 0.9, 10), seeds], pooled=True)
    assert pooled.mean == pytest.approx((0.8 * 10 + 0.4 * 30) / 40)
    assert pooled.mean - pooled.low == pytest.approx(0.1 * math.hypot(10, 30) / 40)
    assert pooled.n == 40


def test_the_table_says_it_all(folders):
    console = Console(record=True, width=250, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(fold_table(folders, metrics=["ade"]))
    lines = {line.split("│")[1].strip(): line for line in console.export_text().splitlines() if "│" in line}
    assert "0.800 [0.700, 0.900]" in lines["jepa"]
    assert "0.400 [0.300, 0.500]" in lines["jepa"]
    assert "0.600 [0.529, 0.671] ±0.071" in lines["jepa"]
    assert "0.500 [0.421, 0.579]" in lines["jepa"], "pooled over 40 agents"
    assert "-0.400 [-0.471, -0.329] ±0.071" in lines["jepa − still"]
    assert [cell.strip() for cell in lines["n"].split("│")[2:-1]] == ["10", "30", "", "40"]
    console.print(fold_table(folders, metrics=["nll"]))
    assert console.export_text().count("still") == 0, "a row without the metric is left out"


def test_what_cannot_be_averaged_is_named(folders, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"eth_0 has no results of suite=replay: python eval\.py run="):
        read_runs(folders[2:], "replay")
    with pytest.raises(ValueError, match="no row of suite=forecast has all of"):
        fold_table(folders, metrics=["success"])
    again = run(tmp_path / "..", "copy", 0, 0.8, 10)
    (again / "config.yaml").write_text("seed: 0\ndata:\n  fold: eth\n")
    with pytest.raises(ValueError, match="second run of fold eth with seed 0"):
        read_runs([*folders, again])
    (again / "config.yaml").write_text("seed: 0\ndata: {}\n")
    with pytest.raises(ValueError, match=r"no data\.fold"):
        read_runs([again])
    assert json.loads((again / "results.json").read_text())
