"""One small run of the whole training pipeline, shared by the tests of this folder."""

from pathlib import Path

import pytest

from jepa_social.data.dataset import SceneWindows
from jepa_social.data.logs import Logs
from jepa_social.data.module import SceneDataModule
from jepa_social.data.schema import write_log
from jepa_social.stages.training import train
from jepa_social.worlds.branches import Branching
from jepa_social.worlds.simulate import simulate
from tests.stages.runs import crowd


@pytest.fixture(scope="session")
def data_root(tmp_path_factory) -> Path:
    """Where simulated logs and caches lie; each worker of a parallel test run has its own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def finished(data_root, tmp_path_factory) -> Path:
    """A finished run; tests may add evaluations to it and nothing else."""
    return train(crowd(data_root, tmp_path_factory.mktemp("runs") / "finished"))


@pytest.fixture(scope="session")
def branched(tmp_path_factory) -> SceneDataModule:
    """Logs of a few people who see the ego, with moments that go on under every plan; 8 frames seen, 12 to come."""
    folder = tmp_path_factory.mktemp("branched")
    made = simulate(episodes=6, people=3, seconds=8.0, branching=Branching(moments=2, within=5.0), progress=False)
    write_log(folder / "log.parquet", made, "test")
    logs = Logs(str(folder / "log.parquet"), 0.0, 0.0)
    return SceneDataModule(logs, folder / "cache", 8, 12, 0.25, stride=6, agents_per_batch=80)


@pytest.fixture(scope="session")
def branches(branched) -> SceneWindows:
    """Its training windows."""
    found = branched.windows("train")
    assert found is not None
    return found
