"""What an evaluation writes: round trips, merging, pairing, pictures and the report."""

import json
import math
import re
import threading
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import torch
from rich.console import Console

from jepa_social.data.schema import read_log
from jepa_social.data.source import Deal
from jepa_social.evaluation import figures, results, video
from jepa_social.evaluation.animations import animations
from jepa_social.evaluation.curves import read_curves
from jepa_social.evaluation.encounters import encounters
from jepa_social.evaluation.forecasting import constant_velocity
from jepa_social.evaluation.labels import say, verdict
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.report import best_baseline, write_report
from jepa_social.evaluation.results import (
    merge_scores,
    print_table,
    read_differences,
    read_results,
    record_suite,
)
from jepa_social.evaluation.runner import run_episodes
from jepa_social.evaluation.statistics import Interval
from jepa_social.scene import Scene
from tests.evaluation.toy import Polite, Straight, ToyWorld

METRICS = "step,epoch,train/loss,val/loss,latent/effective_rank\n0,0,2.0,,\n5,0,,1.5,20\n10,1,1.0,,\n15,1,,1.2,21.5\n"


@pytest.fixture(scope="module")
def runs():
    polite, straight = Polite("jepa"), Straight()
    return [run_episodes(ToyWorld(), policy, range(30), batch=30) for policy in (polite, straight)]


@pytest.fixture(scope="module")
def run_dir(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    record_suite(folder, "toy", runs, extra={"jepa": {"delay": [0.5] * 30}})
    (folder / "csv").mkdir()
    (folder / "csv" / "metrics.csv").write_text(METRICS)
    (folder / "config.yaml").write_text("seed: 42 # <&>\n")
    scene = runs[0].scene
    futures = constant_velocity(scene, 9, 6)
    figures.save(figures.forecast_grid(scene, 9, futures, most=2), folder / "figures" / "futures_toy.png", 60)
    return folder


def test_results_hold_the_means_of_the_episodes(run_dir, runs):
    results = read_results(run_dir)["toy"]
    assert set(results) == {"jepa", "straight"}
    for one in runs:
        scores = navigation(one).columns()
        for name, interval in results[one.policy].items():
            if name != "delay":
                assert interval.mean == pytest.approx(scores[name].nanmean().item(), abs=1e-5), name
                assert interval.n == int((~scores[name].isnan()).sum())
                assert interval.low <= interval.mean <= interval.high
    assert results["jepa"]["delay"] == Interval(0.5, 0.5, 0.5, 30)
    assert "path_ratio" not in results["jepa"], "a score that nobody has is left out"


def test_differences_are_ours_minus_the_baseline_over_pairs(run_dir, runs):
    gaps = read_differences(run_dir)["toy"]["jepa"]
    ours, theirs = (navigation(one) for one in runs)
    assert gaps["success"]["straight"].mean == pytest.approx((ours.success - theirs.success).mean().item(), abs=1e-6)
    assert gaps["success"]["straight"].mean > 0
    assert verdict(gaps["success"]["straight"], "success") == "better"
    slower = gaps["navigation_time"]["straight"]
    assert slower.n == int((ours.success * theirs.success).sum())
    assert verdict(slower, "navigation_time") == "worse"


def test_table_has_a_row_an_episode_and_policy(run_dir, runs):
    table = pq.read_table(run_dir / "episodes.parquet")
    assert table.num_rows == 60
    assert table.column_names[:5] == ["suite", "policy", "scenario", "seed", "success"]
    assert table["spl"].to_pylist()[:30] == pytest.approx(navigation(runs[0]).spl.tolist())


def test_merging_adds_suites_and_replaces_policies(tmp_path, runs):
    record_suite(tmp_path, "a", runs)
    record_suite(tmp_path, "b", runs[1:])
    again = runs[1].select(range(10))
    record_suite(tmp_path, "a", [again])
    results = read_results(tmp_path)
    assert (results["a"]["jepa"]["spl"].n, results["a"]["straight"]["spl"].n) == (30, 10)
    assert results["b"]["straight"]["spl"].n == 30
    assert pq.read_table(tmp_path / "episodes.parquet").num_rows == 70
    assert read_differences(tmp_path)["a"]["jepa"]["spl"]["straight"].n == 10, "only common seeds are paired"
    merge_scores(tmp_path, "forecast", {"jepa": {"ade": Interval(0.5, math.nan, math.nan, 1)}})
    assert math.isnan(read_results(tmp_path)["forecast"]["jepa"]["ade"].low)
    assert set(read_results(tmp_path)) == {"a", "b", "forecast"}
    assert not list(tmp_path.glob(".*")), "no drafts are left"
    names = {recording.name.rpartition("#")[2] for recording in read_log(tmp_path / "log_a.parquet")}
    assert names == {"jepa", "straight"}


def test_suites_that_end_at_once_lose_nothing(tmp_path, monkeypatch):
    one = {"jepa": {"ade": Interval(1.0, 1.0, 1.0, 1)}}
    write, other = results.write_json, threading.Thread(target=merge_scores, args=(tmp_path, "b", one))

    def late(path, value):
        if other.ident is None:
            other.start()
            other.join(0.3)  # time enough to slip in between
        write(path, value)

    monkeypatch.setattr(results, "write_json", late)
    merge_scores(tmp_path, "a", one)
    other.join()
    assert set(read_results(tmp_path)) == {"a", "b"}


def test_a_crowd_is_in_one_split_whoever_walked_through_it(run_dir):
    names = [recording.name for recording in read_log(run_dir / "log_toy.parquet")]
    splits: dict[str, set[str]] = {}
    for name, split in zip(names, Deal(0.3, 0.3).split(names), strict=True):
        splits.setdefault(name.partition("#")[0], set()).add(split)
    assert len(splits) == 30
    assert all(len(split) == 1 for split in splits.values())
    assert set.union(*splits.values()) == {"train", "val", "test"}


def test_log_holds_every_episode_to_its_end(run_dir, runs):
    recordings = {recording.name: recording for recording in read_log(run_dir / "log_toy.parquet")}
    assert len(recordings) == 60
    one = recordings["toy/7#straight"]
    ego = one.extras["ego"] == 1
    assert ego.sum() == int(runs[1].stop[7]) + 1
    torch.testing.assert_close(torch.tensor(one.x[ego][-1]).float(), runs[1].scene.position[7, 0, runs[1].stop[7], 0])


def test_terminal_table_highlights_ours(run_dir):
    console = Console(record=True, width=200, file=open("/dev/null", "w"))  # noqa: SIM115
    print_table(read_results(run_dir), "toy", metrics=["success", "jerk"], console=console)
    text = console.export_text()
    assert "▶ jepa" in text
    assert re.search(r"success ↑ %", text)
    assert "discomfort" not in text
    with pytest.raises(KeyError, match="no suite `nowhere`"):
        print_table({}, "nowhere")


def test_numbers_and_verdicts_in_words():
    assert say(0.1234, "success") == "12.3"
    assert say(-0.5, "minimum_distance", signed=True) == "−0.50"
    assert say(-0.001, "minimum_distance") == "0.00"
    assert say(math.nan, "spl") == "–"
    assert verdict(Interval(-0.1, -0.2, -0.05, 9), "collision") == "better"
    assert verdict(Interval(-0.1, -0.2, 0.05, 9), "collision") == "no clear difference"
    assert verdict(Interval(1.0, 0.5, 2.0, 9), "unheard_of") == "higher"


def test_best_baseline_is_not_ours(run_dir):
    assert best_baseline(read_results(run_dir)["toy"], "jepa") == "straight"
    assert best_baseline({"jepa": {}}, "jepa") is None


@pytest.mark.parametrize(("metric", "best", "fair"), [("spl", 0.9, 0.5), ("ade", 0.1, 0.4)])
def test_who_knows_more_and_our_own_variants_are_no_baselines(metric, best, fair):
    def row(value):
        return {metric: Interval(value, value, value, 9)}

    scores = {"jepa": row(fair), "dynamic window": row(fair)}
    for other in ("oracle MPC", "oracle MPC without reaction", "recorded human", "truth", "jepa without reaction"):
        assert best_baseline(scores | {other: row(best)}, "jepa") == "dynamic window", other
        assert best_baseline({"jepa": row(fair), other: row(best)}, "jepa") is None, other
    assert best_baseline({"jepa": {"nats": Interval(1, 1, 1, 9)}, "counting": {}}, "jepa") is None, "nobody is rated"


def test_encounters_say_who_went_first():
    ego = [[0.5 * k, 0.0] for k in range(13)]
    first = [[2.0, 2.5 - 0.5 * k] for k in range(13)]  # at the crossing at k = 5, the ego at k = 4: ego first
    later = [[4.0, 1.0 - 0.5 * k] for k in range(13)]  # at the crossing at k = 2, the ego at k = 8: ego yields
    beside = [[0.5 * k - 1.0, 0.0] for k in range(13)]  # follows: no crossing
    scene = Scene.from_arrays([ego, first, later, beside], 0.5, ego=0)
    found = encounters(scene, 0)
    assert [one.person for one in found] == [1, 2]
    assert found[0].gap == pytest.approx(-0.5, abs=1.01)
    assert found[1].gap == pytest.approx(3.0, abs=1.01)


def test_animations_show_failures_first_beside_the_baseline(runs):
    shown = animations(runs)
    outcomes = [[run["outcome"] for run in one["runs"]] for one in shown]
    failed = [ours != "success" for ours, _ in outcomes]
    assert failed == sorted(failed, reverse=True)
    assert any(failed)
    assert ["success", "collision"] in outcomes
    for one in shown:
        assert [run["policy"] for run in one["runs"]] == ["jepa", "straight"]
        for run in one["runs"]:
            assert run["id"][0] == 0
            if run["outcome"] == "collision":
                assert run["touched"] in run["id"][1:]
            i, index = one["seed"], [episode.policy for episode in runs].index(run["policy"])
            assert len(run["track"][0]) == int(runs[index].stop[i]) + 1


def test_animations_show_no_reference_beside_us(runs):
    told = [runs[0], replace(runs[1], policy="recorded human")]
    assert all([run["policy"] for run in one["runs"]] == ["jepa"] for one in animations(told))


def test_curves_skip_empty_cells(run_dir):
    loss, val, rank = read_curves(run_dir)["csv"]
    assert (loss.name, loss.step, loss.value) == ("train/loss", [0, 10], [2.0, 1.0])
    assert (val.name, val.step) == ("val/loss", [5, 15])
    assert rank.value == [20, 21.5]


def test_report_holds_everything_and_needs_nothing(run_dir):
    path = write_report(run_dir)
    page = path.read_text()
    assert path.stat().st_size < 5_000_000
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)
    assert "http" not in page
    assert not re.search(r"\[\[[A-Z]+\]\]", page), "a field of the template was left empty"
    results = read_results(run_dir)["toy"]
    assert f"<b>{say(results['jepa']['success'].mean, 'success')} %</b>" in page
    for piece in ("▲ better", "▼ worse", "jepa − straight", "tr class='ours'", "data:image/png;base64", "val/loss"):
        assert piece in page, piece
    assert "seed: 42 # &lt;&amp;&gt;" in page
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)
    assert data is not None
    assert len(json.loads(data.group(1))["toy"]) == 6


def test_report_stays_small_by_naming_what_does_not_fit(tmp_path, run_dir):
    (tmp_path / "figures").mkdir()
    (tmp_path / "results.json").write_text((run_dir / "results.json").read_text())
    (tmp_path / "figures" / "huge.png").write_bytes(b"0" * 6_000_000)
    page = write_report(tmp_path)
    assert page.stat().st_size < 5_000_000
    assert "Too large for this page: huge.png" in page.read_text()


def test_report_of_nothing_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="train or evaluate first"):
        write_report(tmp_path)


def test_figures_draw(runs, tmp_path):
    scene = runs[0].scene
    futures = torch.stack([constant_velocity(scene, 9, 6)[0]] * 3)
    whole = figures.scene_figure(scene, 8, futures, scene.position[0, :, 9:15], "toy")
    assert figures.save(whole, tmp_path / "scene.png", 50).read_bytes()[1:4] == b"PNG"
    latents = figures.latent_pca(torch.randn(50, 8), torch.rand(50), "speed")
    assert len(latents.axes) == 2


def test_frames_and_video(runs, tmp_path):
    scene, stop = runs[0].scene, int(runs[0].stop[0])
    pictures = video.frames(scene, 0, size=96)
    assert pictures.dtype == torch.uint8
    assert pictures.shape[1:] == (3, 96, 96)
    assert len(pictures) == round(stop * 0.25 * 15) + 1
    assert (pictures[0] != pictures[-1]).any()
    ego = torch.tensor([0xD5, 0x5E, 0x00], dtype=torch.uint8)[:, None, None]
    assert all((picture == ego).all(0).any() for picture in pictures)
    path = video.write_video(tmp_path / "toy.mp4", scene, 0, size=96)
    assert path.read_bytes()[4:8] == b"ftyp"
    assert [p.name for p in tmp_path.iterdir()] == ["toy.mp4"]


def test_a_part_of_a_suite_is_a_table_of_its_own():
    one, other = Interval(0.5, 0.4, 0.6, 7), Interval(1.0, 0.9, 1.1, 9)
    results = {"mind": {"jepa": {"rho": one, "nll": other}, "counting": {"rho": one}, "careless": {"nll": other}}}
    console = Console(width=120, record=True)
    print_table(results, "mind", metrics=["rho"], part="values", console=console)
    shown = " ".join(console.export_text().split())
    assert "mind, values: mean over n = 7" in shown
    assert "counting" in shown
    assert "careless" not in shown, "it has nothing to say of this part"
