"""Groups of recorded people, on paths whose companies are known."""

import tracemalloc

import numpy as np
import pytest

from jepa_social.data.schema import Recording
from jepa_social.worlds.groups import recorded_groups
from jepa_social.worlds.replay import Replay


def log_of(paths: dict[int, np.ndarray], dt: float = 0.4, late: int = 0) -> Recording:
    """A recording of agents on `paths` `[T,2]`; NaN rows were not recorded."""
    rows = [(t, agent, *place) for agent, path in paths.items() for t, place in enumerate(path) if place[0] == place[0]]
    frame, agent, x, y = np.array(rows).T
    agent = agent.astype(int)
    return Recording("made", dt, (frame + late) * dt, agent, np.zeros_like(agent), x, y).ordered()


def walk(x: float, y: float, vx: float, vy: float, frames: int = 40, dt: float = 0.4) -> np.ndarray:
    return np.array((x, y)) + np.arange(frames)[:, None] * dt * np.array((vx, vy))


def crowd() -> dict[int, np.ndarray]:
    return {
        3: walk(0, 0, 1, 0),
        5: walk(0, 1, 1, 0),
        9: walk(0.2, 2.5, 1.05, 0),  # near 5, not near 3: joined through 5
        4: walk(16, 0.5, -1, 0),  # passes them
        8: walk(-6, 0, 1, 0),  # follows, 6 m behind
        1: walk(30, 5, 0, 0),
        2: walk(30, 6, 0, 0),  # they stand together: no direction to share
    }


def test_companions_are_told_from_passers_by_followers_and_standers():
    ids, group = recorded_groups(log_of(crowd()))
    assert ids.tolist() == [1, 2, 3, 4, 5, 8, 9]
    of = dict(zip(ids.tolist(), group.tolist(), strict=True))
    assert of[3] == of[5] == of[9] >= 0
    assert {of[agent] for agent in (1, 2, 4, 8)} == {-1}


@pytest.mark.parametrize("change", ["late", "moved", "slower clock"])
def test_groups_do_not_depend_on_where_and_when(change):
    turn = np.array(((0.6, -0.8), (0.8, 0.6)))
    paths = {agent: path @ turn + 7 if change == "moved" else path for agent, path in crowd().items()}
    if change == "slower clock":
        paths = {agent: path[::2] for agent, path in paths.items()}
    log = log_of(paths, 0.8 if change == "slower clock" else 0.4, late=11 if change == "late" else 0)
    for mine, theirs in zip(recorded_groups(log), recorded_groups(log_of(crowd())), strict=True):
        np.testing.assert_array_equal(mine >= 0, theirs >= 0)


def test_a_long_recording_of_many_takes_memory_for_its_rows_only():
    frames, agents = 200_000, 400  # people times frames would be 1.3 GB
    starts = np.linspace(0, frames - 60, agents // 2).astype(int).repeat(2)
    frame = starts[:, None] + np.arange(40)
    x, y = np.broadcast_to(0.4 * np.arange(40), frame.shape), np.arange(agents)[:, None] % 2 + np.zeros(frame.shape)
    agent = np.arange(agents)[:, None] + np.zeros_like(frame)
    flat = (frame * 0.4, agent, np.zeros_like(agent), x, y)
    log = Recording("day", 0.4, *(column.reshape(-1) for column in flat)).ordered()
    tracemalloc.start()
    _, group = recorded_groups(log)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (group == np.arange(agents) // 2).all(), "in pairs"
    assert most < 20e6


def test_a_moment_together_is_no_group():
    meets = walk(0, 1, 1, 0)
    meets[4:] = np.nan  # 1.2 s
    assert (recorded_groups(log_of({1: walk(0, 0, 1, 0), 2: meets}))[1] == -1).all()
    parts = walk(0, 1, 1, 0)
    parts[20:, 1] += 3.0
    assert (recorded_groups(log_of({1: walk(0, 0, 1, 0), 2: parts}))[1] == -1).all()


def test_the_replayed_ego_knows_no_group_but_its_scene_does():
    world = Replay([log_of(crowd())], dt=0.2)
    scene = world.reset(range(world.episodes))
    assert scene.truth is not None
    group, present = scene.truth["group"], scene.present.any(-1)
    companions = ((group == group[:, :1]) & (group[:, :1] >= 0) & present).sum(1)
    alone = group[:, 0] == -1
    assert sorted(companions[~alone].tolist()) == [3, 3, 3], "3, 5 and 9, each in a group of three"
    assert int(alone.sum()) == 2, "4 and 8; who stands is no episode"
