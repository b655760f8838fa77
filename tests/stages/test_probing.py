"""The `probes` suite end to end on a small run, and what it may look at."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from jepa_social.evaluation.probe_targets import TARGETS
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from jepa_social.stages.probe_samples import JepaFeatures, RawFeatures, gather
from jepa_social.stages.suites import evaluate
from tests.conftest import random_scene
from tests.stages.runs import composed

SMALL = [
    "suite.fit=60", "suite.select=40", "suite.score=40", "suite.samples=200", "suite.steps=15",
    "+data.module.stride=3", "+data.module.eval_stride=2",
]  # fmt: skip
OBSERVED = 8


@pytest.fixture(scope="module")
def probed(finished, tmp_path_factory) -> Path:
    """A copy of the finished run with the suite's results."""
    run = tmp_path_factory.mktemp("probed") / "run"
    shutil.copytree(finished, run)
    evaluate(composed("eval", f"run={run}", "suite=probes", *SMALL))
    return run


class Given:
    """Windows that are given, with goals far ahead."""

    def __init__(self, scene: Scene):
        self.scene = scene

    def batch(self, windows) -> Scene:
        return self.scene[torch.as_tensor(np.asarray(windows))]

    def last_seen(self, windows) -> torch.Tensor:
        return self.batch(windows).position[:, :, -1] + 5


def features() -> dict:
    torch.manual_seed(0)
    jepa = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8)).eval()
    return {"jepa": JepaFeatures(jepa), "raw state": RawFeatures()}


def collected(scene: Scene) -> dict:
    return gather(Given(scene), np.arange(len(scene.dt)), features(), OBSERVED, 3, "test")  # pyright: ignore[reportArgumentType]


def test_every_row_has_every_score_with_its_interval(probed):
    rows = json.loads((probed / "results.json").read_text())["probes"]
    assert list(rows) == ["jepa", "untrained", "raw state"]
    assert {"drift_1", "drift_3", "drift_6", "drift_12"} <= set(rows["jepa"])
    told = [target for target in TARGETS if f"linear_{target}_{TARGETS[target]}" in rows["jepa"]]
    assert {"motion", "soon", "later", "departure", "neighbour", "goal"} <= set(told)
    for target in told:
        for kind in ("linear", "attentive"):
            scores = [row[f"{kind}_{target}_{TARGETS[target]}"] for row in rows.values()]
            assert len({score["n"] for score in scores}) == 1, "the same samples for all"
            assert all(score["low"] <= score["high"] and score["mean"] <= 1 for score in scores)
    assert rows["raw state"]["linear_motion_r2"]["mean"] > 0.98
    assert rows["raw state"]["linear_neighbour_r2"]["mean"] > 0.98
    assert "linear_group_auc" not in rows["jepa"], "three people who cross are no group: said, not made up"
    gaps = json.loads((probed / "differences.json").read_text())["probes"]["jepa"]["linear_goal_r2"]
    assert set(gaps) == {"untrained", "raw state"}
    ours, theirs = (rows[name]["linear_goal_r2"]["mean"] for name in ("jepa", "untrained"))
    assert gaps["untrained"]["mean"] == pytest.approx(ours - theirs)


def test_the_suite_leaves_figures_and_a_report(probed):
    for name in ("figures/probes.png", "figures/probes_drift.png", "report.html"):
        assert (probed / name).stat().st_size > 0, name
    assert "untrained" in (probed / "report.html").read_text()


def test_the_same_evaluation_gives_the_same_results(probed, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(probed, again)
    (again / "results.json").unlink()
    evaluate(composed("eval", f"run={again}", "suite=probes", *SMALL))
    before, after = (json.loads((run / "results.json").read_text())["probes"] for run in (probed, again))
    for name, row in before.items():
        for metric, interval in row.items():
            assert after[name][metric]["mean"] == pytest.approx(interval["mean"], abs=1e-3), (name, metric)


def test_probes_can_be_scored_on_val_without_a_look_at_test(probed, tmp_path, monkeypatch):
    from jepa_social.data.module import SceneDataModule

    run, windows, asked = tmp_path / "run", SceneDataModule.windows, []
    shutil.copytree(probed, run)
    monkeypatch.setattr(SceneDataModule, "windows", lambda self, split: asked.append(split) or windows(self, split))
    evaluate(composed("eval", f"run={run}", "suite=probes", "suite.split=val", "suite.name=probes_val", *SMALL))
    assert set(asked) == {"train", "val"}
    before, after = (json.loads((one / "results.json").read_text()) for one in (probed, run))
    assert after["probes"] == before["probes"], "another name, another table"
    assert "probes_val" in after


def test_what_is_wrong_is_named(probed):
    with pytest.raises(ValueError, match=r"suite\.split must be test or val, got `train`"):
        evaluate(composed("eval", f"run={probed}", "suite=probes", "suite.split=train"))
    with pytest.raises(ValueError, match=r"needs test recordings: set data\.source\.test"):
        evaluate(composed("eval", f"run={probed}", "suite=probes", "+data.source.test=0.0"))


def test_features_do_not_know_the_future_and_labels_do():
    scene = random_scene(batch=6, frames=20, gaps=False)
    other = scene.clone()
    other.position[:, :, OBSERVED:] += torch.randn(6, 5, 12, 2).cumsum(2)
    other.velocity[:, :, OBSERVED:] = 3.0
    other.heading[:, :, OBSERVED:] = -1.0
    usual, changed = collected(scene), collected(other)
    for name in usual:
        for target in ("motion", "soon", "later", "goal"):
            assert torch.equal(usual[name][target].tokens, changed[name][target].tokens), (name, target)
            assert torch.equal(usual[name][target].known, changed[name][target].known)
        assert torch.equal(usual[name]["motion"].target, changed[name]["motion"].target)
        assert not torch.allclose(usual[name]["later"].target, changed[name]["later"].target)


def test_features_know_the_past():
    scene = random_scene(batch=6, frames=20, gaps=False)
    other = scene.clone()
    other.velocity[:, :, 2] *= -1
    for name, row in collected(scene).items():
        assert not torch.equal(row["motion"].tokens, collected(other)[name]["motion"].tokens)


def test_the_first_token_is_the_last_observed_frame_and_samples_know_their_window():
    scene = random_scene(batch=20, frames=20)
    found = collected(scene)["jepa"]["motion"]
    with torch.no_grad():
        state = features()["jepa"](scene.between(0, OBSERVED))
    rows = (scene.velocity[:, :, :OBSERVED].norm(dim=-1) > 0.1).any(-1) & scene.present[:, :, OBSERVED - 1]
    assert torch.equal(found.window, rows.nonzero()[:, 0])
    torch.testing.assert_close(found.tokens[:, 0, 0], state[:, :, -1][rows], rtol=1e-4, atol=1e-5)
    assert found.known[:, :, 0].all()


def test_features_do_not_depend_on_order_or_company():
    scene = random_scene(batch=6, frames=20)
    order = torch.tensor([3, 0, 4, 1, 2])
    inverse = order.argsort()
    for name, make in features().items():
        with torch.no_grad():
            usual = make(scene.between(0, OBSERVED))
            torch.testing.assert_close(make(scene.permute(order).between(0, OBSERVED))[:, inverse], usual, msg=name)
            alone = make(scene.pad(8)[2:3].between(0, OBSERVED))[:, :5]
        torch.testing.assert_close(alone, usual[2:3], rtol=1e-4, atol=1e-5, msg=name)


def test_a_simulators_goals_win_over_where_people_were_last_seen():
    scene = random_scene(batch=6, frames=20, gaps=False)
    shown = {name: torch.full((6, 5, 20), value) for name, value in (("goal_x", 7.0), ("goal_y", -2.0))}
    scene.truth = TensorDict(shown, batch_size=[6])  # pyright: ignore[reportArgumentType]
    found = collected(scene)["jepa"]["goal"].target
    distance = (torch.tensor([7.0, -2.0]) - scene.position[:, :, OBSERVED - 1]).norm(dim=-1)
    torch.testing.assert_close(found.norm(dim=-1), distance.flatten(), rtol=1e-4, atol=1e-4)


def test_pretraining_logs_the_health_of_its_latents(finished):
    with (finished / "pretrain" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["latent/rankme"]]
    assert len(rows) == 2, "one look an epoch"
    names = (
        "rankme",
        "alpha_req",
        "lidar",
        "rank_over_time",
        "rank_over_agents",
        "time_share",
        "clock_share",
        "drift_1",
        "drift_12",
    )
    assert all(np.isfinite(float(row[f"latent/{name}"])) for row in rows for name in names)
    assert (finished / "figures" / "latent_drift.png").stat().st_size > 0
