from itertools import pairwise

import numpy as np
import pytest

from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.labels import labelled_windows
from jepa_social.data.module import SceneDataModule
from tests.data.logs import walk, write_text
from tests.data.test_module import fit

DT, LENGTH = 0.4, 8
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)


def grid(*samples: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Recording and start of every window of recordings that last so many samples; clocks start anywhere."""
    starts = [np.arange(0, count - LENGTH + 1, stride) for count in samples]
    recording = np.repeat(np.arange(len(samples)), [len(start) for start in starts])
    return recording, np.concatenate([start * DT + 7.3 * k for k, start in enumerate(starts)])


def chosen(recording, start, share, seed=0) -> np.ndarray:
    return labelled_windows(recording, start, LENGTH, DT, share, seed)


def seen(recording, start) -> set[tuple[int, int]]:
    """Every (recording, sample) that these windows show."""
    first = np.round((start - 7.3 * recording) / DT).astype(int)
    return {(int(r), int(f) + k) for r, f in zip(recording, first, strict=True) for k in range(LENGTH)}


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_share_of_windows_shows_no_more_than_that_share_of_the_time(stride, seed):
    recording, start = grid(400, 250, 30, 20, 300, stride=stride)
    whole = len(seen(recording, start))
    for share in SHARES:
        mine = chosen(recording, start, share, seed)
        shown = len(seen(recording[mine], start[mine])) / whole
        assert shown <= share + 1.5 * LENGTH / whole, "half a block, which is two windows long or hardly more"
        assert shown >= 0.6 * share - 2 * LENGTH / whole


@pytest.mark.parametrize("seed", range(4))
def test_small_shares_lie_in_larger_ones_and_all_of_them_is_everything(seed):
    recording, start = grid(400, 250, 30, 20, 300)
    parts = [set(chosen(recording, start, share, seed).tolist()) for share in SHARES]
    assert all(small < large for small, large in pairwise(parts))
    assert parts[-1] == set(range(len(recording)))


def test_the_draw_depends_on_the_seed_and_meets_many_places():
    recording, start = grid(*[100] * 12)
    assert np.array_equal(chosen(recording, start, 0.2, 1), chosen(recording, start, 0.2, 1))
    assert not np.array_equal(chosen(recording, start, 0.2, 1), chosen(recording, start, 0.2, 2))
    assert len(np.unique(recording[chosen(recording, start, 0.2)])) >= 5


def test_shares_that_make_no_sense_are_refused():
    recording, start = grid(100, 100)
    for share in (0.0, -0.1, 1.5):
        with pytest.raises(ValueError, match=r"share of labels must be above 0 and at most 1"):
            chosen(recording, start, share)
    with pytest.raises(ValueError, match=r"no training window fits into 0\.01 of the time.*80 s in all: raise"):
        chosen(recording, start, 0.01)


@pytest.fixture
def data(tmp_path) -> SceneDataModule:
    for seed, split in enumerate(("train", "train", "val", "test")):
        path = tmp_path / "logs" / "hotel" / split / f"scene{seed}.txt"
        write_text(path, walk(seed=seed, frames=120))
    return SceneDataModule(EthUcy(str(tmp_path / "logs"), "hotel"), tmp_path / "cache", 4, 4, DT, agents_per_batch=20)


def rows(loader) -> list[bytes]:
    """Every window that a loader yields, padding apart."""
    return [
        scene.position[k, scene.present[k].any(-1)].numpy().tobytes()
        for scene in loader
        for k in range(scene.batch_size[0])
    ]


def test_the_loader_shows_labelled_windows_only_and_as_many_as_ever(data):
    few = data.with_labels(0.3)
    all_rows, few_rows = rows(data.train_dataloader()), rows(few.train_dataloader())
    windows = data.windows("train")
    kept = labelled_windows(windows.maps["recording"], windows.maps["start"], windows.length, DT, 0.3, seed=0)
    assert set(few_rows) == set(rows([windows.batch([k]) for k in kept]))
    assert len(set(few_rows)) == len(kept) < 0.35 * len(windows)
    assert len(few_rows) == len(all_rows) == len(windows)
    counts = [few_rows.count(row) for row in set(few_rows)]
    assert max(counts) - min(counts) <= 1
    assert rows(few.val_dataloader()) == rows(data.val_dataloader())
    assert rows(data.with_labels(1.0).train_dataloader()) == all_rows


def test_workers_and_epochs_work_alike_with_few_labels(data):
    few = data.with_labels(0.3)
    first = rows(few.train_dataloader())
    few.num_workers = 1
    assert rows(few.train_dataloader()) == first
    loader = few.train_dataloader()
    loader.sampler.set_epoch(1)
    assert rows(loader) != first
    assert sorted(rows(loader)) == sorted(first)


def test_one_stage_on_everything_and_the_next_on_few_labels(data, tmp_path):
    """Copies share nothing that the other's training changes."""
    few = data.with_labels(0.3)
    alone = fit(few, 2, tmp_path / "alone.ckpt")
    whole = fit(data, 2, tmp_path / "whole.ckpt")
    again = fit(data.with_labels(0.3), 2, tmp_path / "again.ckpt")
    assert again == alone != whole
    assert fit(data, 2, tmp_path / "whole2.ckpt") == whole
