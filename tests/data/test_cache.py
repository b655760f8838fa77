import multiprocessing
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jepa_social.data import cache
from jepa_social.data.cache import ensure
from jepa_social.data.dataset import SceneWindows
from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.windows import Windowing
from tests.data.logs import walk, write_folds, write_text

WINDOWING = Windowing(4, 4, 0.4)


def build(root: Path, where: Path, windowing: Windowing = WINDOWING, max_speed: float = 15.0) -> Path:
    folder = ensure(EthUcy(str(root), "hotel", max_speed=max_speed), "train", windowing, where)
    assert folder is not None
    return folder


def test_rebuilt_when_a_file_or_a_setting_changes_and_not_otherwise(tmp_path, monkeypatch):
    root, where = write_folds(tmp_path / "logs"), tmp_path / "cache"
    built = []
    real = cache._write
    monkeypatch.setattr(cache, "_write", lambda *given: (built.append(1), real(*given)))
    first = build(root, where)
    assert build(root, where) == first
    assert len(built) == 1
    others = [
        build(root, where, replace(WINDOWING, **{name: value}))
        for name, value in (
            ("observed", 5),
            ("future", 5),
            ("dt", 0.8),
            ("stride", 2),
            ("min_agents", 2),
            ("max_gap", 1.0),
        )
    ]
    others.append(build(root, where, max_speed=20.0))
    monkeypatch.setattr(cache, "VERSION", 10_000)
    others.append(build(root, where))
    monkeypatch.undo()
    write_text(root / "hotel/train/scene1.txt", walk(seed=9))
    others.append(build(root, where))
    assert len({first, *others}) == 10
    assert SceneWindows(first).batch([0]).position.ne(SceneWindows(others[-1]).batch([0]).position).any()
    back = root / "hotel/train/scene1.txt"
    os.utime(back, ns=(0, 0))
    assert build(root, where) not in {first, *others}


def test_interrupted_build_leaves_nothing(tmp_path, monkeypatch):
    root, where = write_folds(tmp_path / "logs"), tmp_path / "cache"
    calls = []

    def stop(path, array):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(path, array)

    real = np.save
    monkeypatch.setattr(cache.np, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        build(root, where)
    assert len(calls) == 3
    assert list(where.iterdir()) == []
    monkeypatch.undo()
    assert len(SceneWindows(build(root, where))) > 0


def _builder(root: Path, where: Path, barrier, queue) -> None:
    barrier.wait()
    queue.put((str(build(root, where)), float(SceneWindows(build(root, where)).batch([0]).position.sum())))


def test_two_processes_build_the_same(tmp_path):
    root, where = write_folds(tmp_path / "logs"), tmp_path / "cache"
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_builder, args=(root, where, barrier, queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = {queue.get(timeout=30) for _ in workers}
    for worker in workers:
        worker.join(timeout=30)
    assert len(found) == 1
    assert [entry.name for entry in where.iterdir()] == [Path(next(iter(found))[0]).name]


def test_the_loser_of_a_race_takes_what_the_winner_built(tmp_path, monkeypatch):
    root, where = write_folds(tmp_path / "logs"), tmp_path / "cache"
    real = cache._write

    def overtaken(*given):
        real(*given)
        monkeypatch.setattr(cache, "_write", real)
        build(root, where)

    monkeypatch.setattr(cache, "_write", overtaken)
    assert len(SceneWindows(build(root, where))) > 0
    assert len(list(where.iterdir())) == 1


def test_windows_travel_to_workers_by_name(tmp_path):
    windows = SceneWindows(build(write_folds(tmp_path / "logs"), tmp_path / "cache"))
    packed = pickle.dumps(windows)
    assert len(packed) < 2000
    assert (pickle.loads(packed).batch([3]).position == windows.batch([3]).position).all()


def test_rows_lie_on_disk_once(tmp_path):
    folder = build(write_folds(tmp_path / "logs"), tmp_path / "cache")
    rows = sum(len(walk(seed=seed)) for seed in (1, 2))
    stored = np.load(folder / "position.npy")
    assert np.isfinite(stored[:, 0]).sum() == rows
    assert np.load(folder / "position.npy", mmap_mode="r").dtype == np.float32
