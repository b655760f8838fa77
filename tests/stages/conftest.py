"""One small run of the whole training pipeline, shared by the tests of this folder."""

from pathlib import Path

import pytest

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
