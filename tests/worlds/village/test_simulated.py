import numpy as np
import pytest

from jepa_social.data.module import SceneDataModule
from jepa_social.worlds.village import simulated
from jepa_social.worlds.village.scenarios import FalseBelief
from jepa_social.worlds.village.simulated import VillageLogs


def test_villages_are_read_like_any_log(tmp_path):
    source = VillageLogs(tmp_path, [FalseBelief()], val=0.2, test=0.0, episodes=30, frames=16)
    data = SceneDataModule(source, tmp_path / "cache", observed=8, future=8, dt=1.0)
    windows = data.windows("train")
    assert windows is not None
    scene = windows.batch([0, 1])
    assert scene.truth is None
    assert scene.position.shape == (2, 6, 16, 2)
    assert scene.kind[0].tolist().count(5) == 4, "four boxes"
    assert len(list(tmp_path.glob("village-*.parquet"))) == 1
    again = VillageLogs(tmp_path, [FalseBelief()], val=0.2, test=0.0, episodes=30, frames=16)
    for one, other in zip(source.recordings("val"), again.recordings("val"), strict=True):
        np.testing.assert_array_equal(one.x, other.x)


def test_another_version_plays_anew(tmp_path, monkeypatch):
    for version in (1, 2, 2):
        monkeypatch.setattr(simulated, "VERSION", version)
        VillageLogs(tmp_path, [FalseBelief()], episodes=2, frames=3)
    assert len(list(tmp_path.glob("village-*.parquet"))) == 2


def test_nonsense_is_refused(tmp_path):
    with pytest.raises(ValueError, match="episodes >= 1"):
        VillageLogs(tmp_path, [FalseBelief()], episodes=0)
