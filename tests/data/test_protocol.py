"""The literature's numbers on the real logs."""

import numpy as np
import pytest
from hydra.utils import instantiate

from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.module import SceneDataModule
from jepa_social.data.resample import resample
from jepa_social.data.source import SPLITS
from jepa_social.data.trajnet import TrajNet
from jepa_social.scene import KINDS
from tests.stages.runs import composed

COUNTS = {"eth": (70, 181), "hotel": (301, 1053), "univ": (947, 24334), "zara1": (602, 2253), "zara2": (921, 5833)}
CONSTANT_VELOCITY = {
    "eth": (0.995, 2.234),
    "hotel": (0.323, 0.617),
    "univ": (0.524, 1.165),
    "zara1": (0.431, 0.960),
    "zara2": (0.326, 0.728),
}


@pytest.mark.parametrize("fold", COUNTS)
def test_windows_and_agents_of_the_protocol(real_data, tmp_path, fold):
    data = SceneDataModule(EthUcy(str(real_data / "eth_ucy"), fold), tmp_path, 8, 12, 0.4)
    windows = agents = 0
    errors = []
    for scene in data.test_dataloader():
        full = scene.present.all(-1)
        windows, agents = windows + len(scene), agents + int(full.sum())
        ahead = scene.position[:, :, 7:8] + scene.velocity[:, :, 7:8] * 0.4 * np.arange(1, 13)[:, None]
        errors.append((ahead - scene.position[:, :, 8:]).norm(dim=-1)[full].numpy())
    assert (windows, agents) == COUNTS[fold]
    error = np.concatenate(errors)
    assert (error.mean(), error[:, -1].mean()) == pytest.approx(CONSTANT_VELOCITY[fold], abs=6e-4)


@pytest.mark.parametrize("fold", COUNTS)
def test_the_folds_share_no_moment(real_data, fold):
    source = EthUcy(str(real_data / "eth_ucy"), fold)
    spans = {
        split: {r.name: (r.time.min(), r.time.max()) for r in source.recordings(split)} for split in ("train", "val")
    }
    for recording in source.recordings("test"):
        assert not any(name.startswith(recording.name) for split in spans.values() for name in split)
    for name, (_, last) in spans["train"].items():
        assert last < spans["val"][name.replace("_train", "_val")][0]


ROWS = {"eth": 5492, "hotel": 6543, "univ": 42513, "zara1": 5153, "zara2": 9722, "zara3": 5005}


@pytest.mark.parametrize("fold", COUNTS)
@pytest.mark.parametrize("val_scene", ["eth", "hotel", "univ", "zara2", "zara"])
def test_a_scene_held_out_for_validation_is_whole(real_data, fold, val_scene):
    root = str(real_data / "eth_ucy")
    if val_scene == fold:
        with pytest.raises(ValueError, match=r"data\.val_scene must be null or, in fold"):
            EthUcy(root, fold, val_scene=val_scene)
        return
    usual, held = EthUcy(root, fold), EthUcy(root, fold, val_scene=val_scene)

    def rows(source, *splits):
        return {r.name: len(r) for split in splits for r in source.recordings(split)}

    scenes = {s for s in ("zara1", "zara2", "zara3") if s != fold} if val_scene == "zara" else {val_scene}
    assert sum(rows(held, "val").values()) == sum(ROWS[scene] for scene in scenes)
    assert not {_scene(name) for name in rows(held, "train")} & scenes
    assert {_scene(name) for name in rows(held, "val")} == scenes
    assert rows(held, "train", "val") == rows(usual, "train", "val")
    assert rows(held, "test") == rows(usual, "test")
    assert held.describe() != usual.describe()


def _scene(name: str) -> str:
    known = {"biwi_eth": "eth", "biwi_hotel": "hotel", "crowds_zara0": "zara", "students": "univ", "uni_exam": "univ"}
    prefix, scene = next(pair for pair in known.items() if name.startswith(pair[0]))
    return scene + name[len(prefix)] if scene == "zara" else scene


def test_corrected_eth_walks_at_walking_speed(real_data):
    def median_speed(corrected: bool) -> float:
        walked = EthUcy(str(real_data / "eth_ucy"), "eth", corrected).recordings("test")[0]
        order = np.lexsort((walked.time, walked.agent))
        step = np.hypot(np.diff(walked.x[order]), np.diff(walked.y[order]))[np.diff(walked.agent[order]) == 0]
        return float(np.median(step)) / walked.dt

    assert median_speed(True) == pytest.approx(1.47, abs=0.01)
    assert median_speed(False) == pytest.approx(2.45, abs=0.01)


def test_stanford_drone_glitches_are_cut(real_data):
    root = str(real_data / "sdd" / "trajnet")
    found = TrajNet(root, val=[], test=["gates_3"]).recordings("test")[0]
    order = np.lexsort((found.time, found.agent))
    step = np.hypot(np.diff(found.x[order]), np.diff(found.y[order]))[np.diff(found.agent[order]) == 0]
    assert step.max() <= 15.0 * 0.4
    with pytest.raises(ValueError, match=r"gates_3\.txt, row \d+: .*glitches=split"):
        TrajNet(root, val=[], test=["gates_3"], glitches="error").recordings("test")


def citr(real_data, tmp_path, *overrides: str) -> SceneDataModule:
    root = real_data / "citr"
    return instantiate(
        composed("train", "data=citr", f"data.root={root}", f"data.module.cache_dir={tmp_path}", *overrides).data.module
    )


def test_citr_is_38_clips_of_people_who_walk_and_a_cart(real_data, tmp_path):
    clips = citr(real_data, tmp_path, "data.source.test=1.0", "data.source.val=0").source.recordings("test")
    assert sum(len(clip) for clip in clips) == 88_349 + 7_299
    assert len(clips) == 38
    for clip in clips:
        carts = np.unique(clip.agent[clip.kind == KINDS.index("vehicle")])
        people = np.unique(clip.agent[clip.kind == KINDS.index("pedestrian")])
        assert len(carts) == ("/vci_" in clip.name)
        assert 8 <= len(people) <= 10
        assert clip.dt == pytest.approx(1 / 29.97, rel=1e-3)
        walked = resample(clip, 0.4)
        order = np.lexsort((walked.time, walked.agent))
        step = np.hypot(np.diff(walked.x[order]), np.diff(walked.y[order]))[np.diff(walked.agent[order]) == 0]
        assert 1.0 < np.median(step) / 0.4 < 1.7


def test_citr_holds_out_whole_clips_by_condition_or_share(real_data, tmp_path):
    data = citr(real_data, tmp_path, 'data.source.test=["*/vci_front/*"]', "data.source.val=0.2")
    names = {split: [clip.name for clip in data.source.recordings(split)] for split in SPLITS}
    assert sum(map(len, names.values())) == 38
    assert len(names["test"]) == 4
    assert all("/vci_front/" in name for name in names["test"])
    assert names["val"]
    scenes = list(data.test_dataloader())
    assert all(scene.frames == 20 for scene in scenes)
    assert any((scene.kind == KINDS.index("vehicle")).any() for scene in scenes)


def test_stanford_drone_can_be_test_as_a_whole(real_data):
    source = TrajNet(str(real_data / "sdd" / "trajnet"), val=0, test=1.0)
    assert source.recordings("train") == source.recordings("val") == []
    assert len(source.recordings("test")) == len(source.files) > 20
