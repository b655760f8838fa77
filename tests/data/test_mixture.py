import numpy as np
import pytest

from jepa_social.data.cache import fingerprint
from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.logs import Logs
from jepa_social.data.mixture import Mixture
from jepa_social.data.module import SceneDataModule
from jepa_social.data.schema import write_log
from jepa_social.data.windows import Windowing
from tests.data.logs import straight, walk, write_folds


@pytest.fixture
def sources(tmp_path) -> dict:
    """Pedestrians at 0.4 s, and a log at 0.1 s whose scenes are called alike."""
    root = write_folds(tmp_path / "folds")
    tick, agent = (part.reshape(-1) for part in np.meshgrid(np.arange(200), np.arange(3), indexing="ij"))
    scenes = [straight(tick * 0.1, agent, 0.1, name=f"scene{k}") for k in range(3)]
    write_log(tmp_path / "log.parquet", scenes, source="test")
    return {
        "people": lambda: EthUcy(str(root), "hotel"),
        "log": lambda: Logs(str(tmp_path / "log.parquet"), val=["scene0"], test=["scene1"]),
        "absent": lambda: EthUcy(str(tmp_path / "absent"), "hotel"),
    }


def names(source, split: str) -> list[str]:
    return [recording.name for recording in source.recordings(split)]


def test_train_is_of_all_and_the_rest_of_one(sources):
    mixed = Mixture(sources, ["log", "people"], "people")
    assert names(mixed, "train") == ["log/scene2", "people/scene1", "people/scene2"]
    assert names(mixed, "val") == ["people/scene3"]
    assert names(mixed, "test") == ["people/scene4"]
    alone = Mixture(sources, ["log"], "people")
    assert names(alone, "train") == ["log/scene2"]
    assert names(alone, "val") == ["people/scene3"]
    found = mixed.recordings("train")[1]
    np.testing.assert_array_equal(found.x, sources["people"]().recordings("train")[0].x)


def test_sources_not_in_use_are_never_made(sources):
    assert names(Mixture(sources, ["people"], "people"), "train")
    with pytest.raises(FileNotFoundError, match=r"absent"):
        Mixture(sources, ["absent"], "people")


def test_names_that_make_no_sense_are_refused(sources):
    with pytest.raises(ValueError, match=r"no source \['dog'\]: choose among \['absent', 'log', 'people'\]"):
        Mixture(sources, ["dog", "log"], "people")
    with pytest.raises(ValueError, match=r"no source \['cat'\]"):
        Mixture(sources, ["log"], "cat")
    for train in ([], ["log", "log"]):
        with pytest.raises(ValueError, match=r"`train` of a mixture must list some of"):
            Mixture(sources, train, "people")


def test_everything_is_resampled_to_one_step(sources, tmp_path):
    data = SceneDataModule(Mixture(sources, ["people", "log"], "people"), tmp_path / "cache", 4, 4, 0.4)
    windows = data.windows("train")
    assert windows is not None
    assert set(windows.recordings) == {"people/scene1", "people/scene2", "log/scene2"}
    for window in range(len(windows)):
        scene = windows.batch([window])
        assert scene.frames == 8
        if windows.origin(window)[0] == "log/scene2":
            ids = np.sort(windows.ids(window))
            speed = np.hypot(0.5 + 0.1 * ids, 1.0 - 0.2 * ids)
            moved = (scene.position[0, :, 1:] - scene.position[0, :, :-1]).norm(dim=-1).numpy()
            np.testing.assert_allclose(np.sort(moved[:, 0]), np.sort(0.4 * speed), rtol=1e-4)


def test_the_cache_knows_what_is_mixed_and_every_file(sources, tmp_path):
    def key(train: list[str], heldout: str = "people") -> dict:
        return fingerprint(Mixture(sources, train, heldout), "train", Windowing(4, 4, 0.4))

    keys = [key(["people"]), key(["log"]), key(["log", "people"]), key(["people"], "log")]
    assert all(one != other for k, one in enumerate(keys) for other in keys[:k])
    assert key(["log"]) == keys[1]
    write_log(tmp_path / "log.parquet", [walk(f"scene{k}", seed=k) for k in range(3)], source="test")
    assert key(["people"]) == keys[0]
    assert key(["log"]) != keys[1]


def test_a_module_cuts_the_same_windows_from_another_source(sources, tmp_path):
    data = SceneDataModule(sources["people"](), tmp_path / "cache", 4, 4, 0.4)
    other = data.with_source(Mixture(sources, ["log"], "people"))
    train, still = other.windows("train"), data.windows("train")
    assert train is not None
    assert still is not None
    assert train.recordings == ["log/scene2"]
    assert still.recordings == ["scene1", "scene2"]
    for one, two in zip(data.val_dataloader(), other.val_dataloader(), strict=True):
        assert (one.position == two.position).all()
