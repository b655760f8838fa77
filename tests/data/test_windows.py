import numpy as np
import pytest
import torch

from jepa_social.data.cache import ensure
from jepa_social.data.dataset import SceneWindows
from jepa_social.data.schema import DEFAULT_RADIUS, Recording
from jepa_social.data.windows import Windowing, cut
from jepa_social.scene import FAR, OF_AGENTS, Scene
from tests.data.logs import walk


class Given:
    """A source of recordings at hand."""

    def __init__(self, *recordings: Recording):
        self.given = list(recordings)

    def recordings(self, split: str) -> list[Recording]:
        return self.given

    def describe(self) -> dict:
        return {"files": [], "names": [recording.name for recording in self.given]}


def windows_of(tmp_path, windowing: Windowing, *recordings: Recording) -> SceneWindows:
    folder = ensure(Given(*recordings), "train", windowing, tmp_path)
    assert folder is not None
    return SceneWindows(folder)


def dense(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Ids `[A]` and positions `[A,F,2]`, NaN where absent, the slow way."""
    ids = np.unique(recording.agent)
    tick = np.round(recording.time / recording.dt).astype(int)
    grid = np.full((len(ids), tick.max() + 1, 2), np.nan, np.float32)
    for k, a, x, y in zip(tick, recording.agent, recording.x, recording.y, strict=True):
        grid[np.searchsorted(ids, a), k] = x, y
    return ids, grid


@pytest.mark.parametrize(("stride", "min_agents", "length"), [(1, 1, 8), (3, 2, 8), (7, 1, 20), (1, 3, 3)])
def test_windows_are_the_raw_rows(tmp_path, stride, min_agents, length):
    recordings = [walk(f"walk{seed}", agents=5, frames=33, seed=seed) for seed in range(4)]
    windows = windows_of(tmp_path, Windowing(2, length - 2, 0.4, stride, min_agents), *recordings)
    place = 0
    for recording in recordings:
        ids, grid = dense(recording)
        for start in range(0, grid.shape[1] - length + 1, stride):
            part = grid[:, start : start + length]
            seen = np.isfinite(part[..., 0])
            if seen.all(1).sum() < min_agents:
                continue
            there = seen.any(1)
            scene = windows.batch([place])
            np.testing.assert_array_equal(windows.ids(place), ids[there])
            np.testing.assert_array_equal(scene.present[0].numpy(), seen[there])
            np.testing.assert_array_equal(scene.position[0].numpy(), np.nan_to_num(part[there]))
            assert windows.origin(place) == (recording.name, pytest.approx(start * 0.4))
            raw = Scene.from_arrays(part[there], 0.4)
            for name in ("velocity", "heading", "dt", "ego"):
                torch.testing.assert_close(getattr(scene, name), getattr(raw, name), rtol=0, atol=0)
            kind = (ids[there] - 9) % 3
            np.testing.assert_array_equal(scene.kind[0].numpy(), kind)
            np.testing.assert_allclose(scene.radius[0].numpy(), DEFAULT_RADIUS[kind])
            place += 1
    assert place == len(windows) > 0


def test_the_future_does_not_reach_into_the_observed_frames(tmp_path):
    before = walk(agents=6, seed=5, frames=20)
    after = before.take((before.time < 8 * 0.4 - 1e-6) | np.isin(before.agent, (10, 12)))
    assert len(after) < len(before)
    first, second = (windows_of(tmp_path / name, Windowing(8, 12, 0.4), r) for name, r in (("a", before), ("b", after)))
    left, right = first.batch([0]).between(0, 8), second.batch([0]).between(0, 8)
    seen = {agent: k for k, agent in enumerate(first.ids(0)) if left.present[0, k].any()}
    again = {agent: k for k, agent in enumerate(second.ids(0)) if right.present[0, k].any()}
    assert seen.keys() == again.keys()
    for name in OF_AGENTS:
        mine, theirs = getattr(left, name)[0, list(seen.values())], getattr(right, name)[0, list(again.values())]
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_batches_do_not_depend_on_their_company(tmp_path):
    crowd, few = walk("crowd", agents=12, seed=1), walk("few", agents=2, seed=2)
    windows = windows_of(tmp_path, Windowing(4, 4, 0.4), crowd, few)
    together = windows.batch(np.arange(len(windows)))
    for one in range(0, len(windows), 5):
        alone = windows.batch([one])
        assert alone.agents == windows.agents(one)
        row = together[one : one + 1]
        for name in OF_AGENTS:
            both = getattr(row, name)
            torch.testing.assert_close(both[:, : alone.agents], getattr(alone, name), rtol=0, atol=0)
            assert not both[:, alone.agents :].any()


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [4, 10])
def test_an_agent_that_comes_back_is_one_agent_and_only_where_it_is_seen(tmp_path, stride, length):
    line = walk(agents=4, frames=40, seed=0)
    blink = line.take(
        (line.agent == 10) | (line.time < 4.0 - 1e-6) | (line.time > 6.0 + 0.8 * (line.agent - 10) - 1e-6)
    )
    windows = windows_of(tmp_path, Windowing(2, length - 2, 0.4, stride), blink)
    for one in range(len(windows)):
        assert len(set(windows.ids(one))) == windows.agents(one)
        assert windows.batch([one]).present.any(-1).all()


def test_walls_radius_and_truth_come_along(tmp_path):
    room = walk("room", walls=np.arange(8.0).reshape(2, 4), extras={"goal_x": walk().x + 1})
    hall = walk("hall", radius=np.full(len(walk()), 0.7), extras={"goal_x": walk().x + 1})
    windows = windows_of(tmp_path, Windowing(4, 4, 0.4, truth=("goal_x",)), room, hall)
    scene = windows.batch([0, len(windows) - 1])
    assert scene.walls is not None
    assert scene.truth is not None
    np.testing.assert_array_equal(scene.walls[0], room.walls)
    assert (scene.walls[1] == FAR).all()
    torch.testing.assert_close(scene.radius[1][scene.present[1].any(-1)].unique(), torch.tensor([0.7]))
    goal = torch.where(scene.present, scene.position[..., 0] + 1, 0)
    torch.testing.assert_close(scene.truth["goal_x"], goal)
    with pytest.raises(ValueError, match=r"no column \['belief'\] for data\.truth"):
        cut(room, Windowing(4, 4, 0.4, truth=("belief",)))


def test_logged_motion_wins_where_there_is_any(tmp_path):
    vx = np.full(len(walk()), 3.0)
    vx[walk().agent == 10] = np.nan
    logged = walk(vx=vx, vy=np.zeros(len(vx)), heading=np.full(len(vx), 0.25))
    scene = windows_of(tmp_path, Windowing(4, 4, 0.4), logged, walk("plain")).batch([0])
    plain = Scene.from_arrays(scene.position, 0.4, present=scene.present)
    torch.testing.assert_close(scene.velocity[:, 0, :, 0], plain.velocity[:, 0, :, 0])
    assert (scene.velocity[:, 1:, :, 0][scene.present[:, 1:]] == 3.0).all()
    assert (scene.heading[scene.present] == 0.25).all()


def test_missing_windows_are_an_error(tmp_path):
    with pytest.raises(
        ValueError, match=r"no window of 50 samples at 0\.4 s with 1 agents .*lower data\.module\.observed"
    ):
        ensure(Given(walk()), "train", Windowing(20, 30, 0.4), tmp_path)
    with pytest.raises(ValueError, match=r"data\.stride must be at least 1"):
        Windowing(8, 12, 0.4, stride=0)
    with pytest.raises(IndexError, match="windows must be"):
        windows_of(tmp_path, Windowing(4, 4, 0.4), walk()).batch([10_000])
    with pytest.raises(FileNotFoundError, match="holds no finished cache"):
        SceneWindows(tmp_path)


def test_where_people_are_last_seen_is_the_end_of_their_track(tmp_path):
    recording = walk(agents=4, frames=40)
    left = (recording.agent != recording.agent.min()) | (recording.time < 25 * recording.dt)
    recording = recording.take(left)
    windows = windows_of(tmp_path, Windowing(3, 4, 0.4, stride=5), recording)
    chosen = [0, 2, len(windows) - 1]
    last = windows.last_seen(chosen).numpy()
    for row, window in enumerate(chosen):
        ids = windows.ids(window)
        for slot, agent in enumerate(ids):
            end = np.flatnonzero(recording.agent == agent)[-1]
            assert last[row, slot] == pytest.approx([recording.x[end], recording.y[end]], abs=1e-4)
        assert np.isnan(last[row, len(ids) :]).all()
