"""One small run of the whole training pipeline, shared by the tests of this folder."""

from pathlib import Path

import pytest
import torch

from jepa_social.evaluation.chance import normal
from jepa_social.mind.world_model import WorldModel
from jepa_social.stages.training import train
from tests.stages.runs import crowd


@pytest.fixture(scope="session")
def data_root(tmp_path_factory) -> Path:
    """Where simulated logs and caches lie; each worker of a parallel test run has its own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def finished(data_root, tmp_path_factory) -> Path:
    """A finished run; tests may add evaluations to it and nothing else."""
    return train(crowd(data_root, tmp_path_factory.mktemp("runs") / "finished"))


def _draw(self, scene, horizon, samples, seed):
    noise = normal(scene, samples, seed).float()[..., None, None] * torch.linspace(0, 1, horizon)[:, None]
    return self.forecast(scene, horizon)[:, None] + noise


if not hasattr(WorldModel, "draw"):  # a stand-in: its forecast, with a normal error that grows
    WorldModel.draw = _draw  # pyright: ignore[reportAttributeAccessIssue]
    WorldModel.sample = lambda self, scene, horizon, samples: _draw(self, scene, horizon, samples, 0)  # pyright: ignore
