"""The model that ships: complete, small, at work without training, and made by one command from any fit run."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from setuptools import build_meta

import jepa_social
from jepa_social.evaluation.results import read_results
from jepa_social.mind.world_model import WorldModel
from jepa_social.release import HOME, MOST_BYTES, release
from jepa_social.runs import FORMAT, results_folder, run_folder
from jepa_social.scene import Scene
from jepa_social.stages.suites import evaluate
from tests.planning.strolls import street, world_model

ROOT = Path(__file__).resolve().parents[1]
FILES = {"README.md", "config.json", "config.yaml", "model.safetensors"}
INTERVAL = {"mean": 0.5, "low": 0.25, "high": 0.75, "n": 4}


def a_run(folder: Path, *overrides: str) -> Path:
    """An untrained run on simulated logs, evaluated to half a success."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", overrides=["experiment=crowd", "data.root=/somewhere/else", *overrides])
    world_model().save(folder)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(config))
    (folder / "results.json").write_text(json.dumps({"crowd": {"jepa": {"success": INTERVAL}}}))
    return folder


# --- what ships


def test_it_is_complete_and_small():
    assert {path.name for path in HOME.iterdir()} == FILES
    assert sum(path.stat().st_size for path in HOME.iterdir()) <= MOST_BYTES


def test_it_knows_where_people_go_and_how_to_walk():
    model, policy = jepa_social.load("pretrained"), jepa_social.load_policy("pretrained")
    scene = street([(4.0, 0.2, -1.0, 0.0)])
    future = model.forecast(scene)
    assert future.shape == (1, 2, model.horizon, 2)
    assert float(future[0, 1, -1, 0]) < 2.5, "who comes towards us goes on coming"
    command = policy.act(scene)
    assert command.shape == (1, 2)
    assert float(command[0, 0]) > 0


@pytest.mark.parametrize(("dt", "steps"), [(0.25, 20), (0.4, 12)])
def test_it_expects_people_to_walk_on(dt, steps):
    """Nobody near, nothing to stop for: about as far as constant velocity, at the end of what it imagines too."""
    pace = torch.tensor([0.4, 0.8, 1.2, 1.5])
    walked = torch.stack((pace[:, None] * dt * torch.arange(8), torch.zeros(4, 8)), dim=-1)
    future = jepa_social.load("pretrained").forecast(Scene.from_arrays(walked[:, None], dt), steps)
    ahead = future[:, 0, -1, 0] - walked[:, -1, 0]
    torch.testing.assert_close(ahead, pace * dt * steps, rtol=0.1, atol=0.0)


def test_its_settings_are_those_that_the_card_speaks_of():
    settings, card = OmegaConf.load(HOME / "config.yaml"), (HOME / "README.md").read_text()
    assert settings.run == "runs/pretrained"
    assert settings.data.root == "data"
    assert settings.data.source._target_.endswith("SimulatedLogs")
    assert f"{settings.data.source.episodes:,} episodes" in card
    for heading in ("Data", "Training", "Intended use", "Limits", "Metrics"):
        assert f"\n## {heading}\n" in card
    assert re.search(r"\*\*jepa\*\* \| \d+\.\d \[\d+\.\d, \d+\.\d\]", card)


def test_it_is_read_from_a_wheel(tmp_path, monkeypatch):
    """Build the wheel, unpack it elsewhere, and load from there."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "jepa_social", source / "jepa_social", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    monkeypatch.chdir(source)
    wheel = build_meta.build_wheel(str(tmp_path))
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import jepa_social; print(jepa_social.__file__); "
        "print(jepa_social.load('pretrained').horizon, jepa_social.load_policy('pretrained').name)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    ).stdout.split()
    assert Path(shown[0]).is_relative_to(tmp_path / "site")
    assert shown[1:] == ["20", "jepa"]


def test_it_is_evaluated_without_training(tmp_path, monkeypatch):
    before = {path.name: path.stat().st_mtime_ns for path in HOME.iterdir()}
    monkeypatch.chdir(tmp_path)
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        shrunk = ["suite=crowd", "suite.episodes=3", "suite.batch=3", "suite.world.people=[2,3]"]
        report = evaluate(compose("eval", overrides=["run=pretrained", *shrunk]))
    assert report == Path("runs/pretrained/report.html")
    assert read_results(Path("runs/pretrained"))["crowd"]["jepa"]["success"].n == 3
    assert {path.name: path.stat().st_mtime_ns for path in HOME.iterdir()} == before, "the package is left alone"


# --- where runs lie


def test_its_name_is_a_name_and_nothing_else(tmp_path):
    assert run_folder("pretrained") == HOME
    for own in ("./pretrained", Path("pretrained")):
        assert run_folder(own) == Path("pretrained") == results_folder(own), "a folder of one's own"
    assert run_folder(tmp_path) == tmp_path == results_folder(tmp_path)
    assert results_folder("pretrained") == Path("runs/pretrained")


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("jepa_social.runs.files", lambda name: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"lacks model\.safetensors, config\.json, config\.yaml: install"):
        jepa_social.load_policy("pretrained")
    shutil.copytree(HOME, tmp_path / "pretrained")
    (tmp_path / "pretrained" / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks model\.safetensors: install jepa_social again"):
        jepa_social.load("pretrained")


# --- how it is made


def test_a_run_is_copied_without_what_inference_does_not_need(tmp_path):
    run, out = a_run(tmp_path / "run"), tmp_path / "out"
    (run / "report.html").write_text("")
    assert release(run, out) == out
    assert {path.name for path in out.iterdir()} == FILES
    assert (out / "config.yaml").read_text().startswith(f"format: {FORMAT}\n")
    whole, shipped = WorldModel.load(run), WorldModel.load(out)
    assert whole.jepa.teacher is not None
    assert shipped.jepa.teacher is None
    scene = street([(4.0, 0.2, -1.0, 0.0)])
    torch.testing.assert_close(shipped.forecast(scene), whole.forecast(scene), rtol=0, atol=0)
    assert "somewhere" not in "".join((out / name).read_text() for name in FILES - {"model.safetensors"})
    assert "**jepa** | 50.0 [25.0, 75.0]" in (out / "README.md").read_text()


def test_the_card_tells_of_forecasts_and_of_a_cloned_policy_where_there_are_any(tmp_path):
    run, out = a_run(tmp_path / "run"), tmp_path / "out"
    plain = (release(run, out) / "README.md").read_text()
    assert "clone.epochs" not in plain
    assert "ADE" not in plain
    assert "`decision`" not in plain, "nothing was timed"
    told = {
        "crowd": {"jepa": {"success": INTERVAL}, "behaviour cloning": {"success": INTERVAL}},
        "forecast_hotel": {"jepa": {"ade": INTERVAL, "fde": INTERVAL}, "truth": {"collision_truth_share": INTERVAL}},
    }
    (run / "results.json").write_text(json.dumps(told))
    card = (release(run, out) / "README.md").read_text()
    assert "python train.py experiment=crowd seed=0 clone.epochs=6\n" in card
    assert "| policy (n = 4) | ADE, m | FDE, m |\n| --- | --- | --- |\n| **jepa** | 0.500 [0.250, 0.750] |" in card
    assert "truth" not in card, "a row without a forecast"
    assert not (out / "prior.safetensors").exists()


def test_unfit_runs_are_refused(tmp_path):
    run = a_run(tmp_path / "recordings", "data=eth_ucy", "data.fold=zara1")
    with pytest.raises(ValueError, match="only runs on simulated logs ship"):
        release(run, tmp_path / "out")
    run = a_run(tmp_path / "untested")
    (run / "results.json").unlink()
    with pytest.raises(ValueError, match=r"python eval\.py run=.*untested suite=crowd"):
        release(run, tmp_path / "out")
    run = a_run(tmp_path / "grown")
    model = WorldModel.load(run)
    model.readout_hidden, model.motion = 1200, type(model.motion)(16, 1200, 20)
    model.save(run)
    with pytest.raises(ValueError, match="MB of weights, 5 ship at most: model=tiny"):
        release(run, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors"):
        release(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ValueError, match="is the folder to be written"):
        release(HOME)
    assert not (tmp_path / "out").exists()
