"""What a run was made with: written, read again, and refused where this version would misread it."""

import pytest
from omegaconf import OmegaConf

import jepa_social
from jepa_social import runs
from jepa_social.evaluation.folds import read_runs
from jepa_social.evaluation.results import write_json
from jepa_social.release import HOME
from jepa_social.runs import FORMAT, SETTINGS, has_settings, read_settings, write_settings
from jepa_social.stages.suites import evaluate
from jepa_social.stages.training import train
from tests.planning.strolls import world_model
from tests.repo import CONFIG_FILES, CONFIGS
from tests.stages.runs import composed, crowd

EXPERIMENTS = [path.stem for path in CONFIG_FILES if path.parent == CONFIGS / "experiment"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_are_read_as_they_were_written(tmp_path, name):
    settings = composed("train", f"experiment={name}")
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings
    assert has_settings(tmp_path, settings)
    settings.seed += 1
    assert not has_settings(tmp_path, settings)


def test_the_number_is_the_file_s_and_no_setting(tmp_path):
    settings = OmegaConf.create({"seed": 3})
    write_settings(tmp_path, settings)
    assert (tmp_path / SETTINGS).read_text() == f"format: {FORMAT}\nseed: 3\n"
    assert "format" not in read_settings(tmp_path)
    assert (HOME / SETTINGS).read_text().startswith(f"format: {FORMAT}\n"), "what ships"


def test_files_without_a_number_are_of_the_oldest_format(tmp_path, monkeypatch):
    (tmp_path / SETTINGS).write_text("seed: 3\n")
    assert read_settings(tmp_path).seed == 3
    monkeypatch.setattr(runs, "FORMAT", 2)
    with pytest.raises(ValueError, match=r"config\.yaml has format 1, this version reads 2: train again, or use the"):
        read_settings(tmp_path)


def test_whoever_reads_a_run_refuses_another_format(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    config = crowd(tmp_path / "data", run)
    world_model().save(run)
    write_json(run / "results.json", {"forecast": {}})
    write_settings(run, config)
    text = (run / SETTINGS).read_text()
    (run / SETTINGS).write_text(text.replace(f"format: {FORMAT}", "format: 99"))
    told = rf"config\.yaml has format 99, this version reads {FORMAT}"
    with pytest.raises(ValueError, match=told):
        jepa_social.load_policy(run)
    with pytest.raises(ValueError, match=told):
        evaluate(composed("eval", f"run={run}", "suite=crowd"))
    with pytest.raises(ValueError, match=told):
        read_runs([run])
    with pytest.raises(ValueError, match=told):
        train(config)
