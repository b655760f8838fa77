"""The README's Python is run as it stands, on a model that has learned nothing."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """`runs/crowd` in an empty folder, as `train.py experiment=crowd` would leave it."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", overrides=["experiment=crowd"])
    run = tmp_path / config.run
    torch.manual_seed(0)
    jepa = SocialJEPA(ModelConfig.of(config.model), teacher=False)
    WorldModel(jepa, config.data.module.dt, config.data.module.future, config.readout.hidden).save(run)
    (run / "config.yaml").write_text(OmegaConf.to_yaml(config, resolve=True))
    return run


def test_the_readme_code_runs(run_dir: Path, monkeypatch: pytest.MonkeyPatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    monkeypatch.chdir(run_dir.parents[1])
    names: dict = {}
    exec(compile(blocks[0], "README.md", "exec"), names)
    robot = np.stack(names["seen"])[:, 0]
    steps = np.linalg.norm(np.diff(robot, axis=0), axis=-1)
    assert len(steps) == 20
    assert steps.max() <= 1.2 * 0.25 + 1e-5
    assert np.linalg.norm(robot[-1] - [8.0, 0.0]) < 5.0, "even an untrained model walks towards the goal"
    assert names["futures"].shape == (1, 3, 12, 2)
    assert bool(names["futures"].isfinite().all())
