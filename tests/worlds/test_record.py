import numpy as np
import pytest
import torch

from jepa_social.data.schema import read_log, write_log
from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.explore import Explorer
from jepa_social.worlds.people import Population
from jepa_social.worlds.record import to_recordings
from jepa_social.worlds.scenarios import ALL, CircleCrossing, Doorway
from jepa_social.worlds.simulate import simulate


def test_a_run_survives_the_log(tmp_path):
    world = Crowd([CircleCrossing(), Doorway()], (2, 4), visible=True)
    scene = world.reset([0, 1, 2])
    explorer = Explorer([0, 1, 2], 20, world.dt)
    for _ in range(20):
        scene = world.step(explorer.act(scene))
    run = world.history()
    write_log(tmp_path / "run.parquet", to_recordings(run, ["a", "b", "c"], torch.tensor([21, 21, 9])), "a test")
    logs = read_log(tmp_path / "run.parquet")
    assert [log.name for log in logs] == ["a", "b", "c"]
    for b, log in enumerate(logs):
        frames = round(log.time.max() / log.dt) + 1
        assert frames == (21, 21, 9)[b]
        position = np.full((run.agents, frames, 2), np.nan)
        frame = np.rint(log.time / log.dt).astype(int)
        position[log.agent, frame] = np.stack((log.x, log.y), axis=-1)
        again = Scene.from_arrays(position, log.dt)
        original = run[b : b + 1].between(0, frames)
        torch.testing.assert_close(again.position, original.position)
        torch.testing.assert_close(again.velocity, original.velocity, rtol=0, atol=1e-5)
        assert torch.equal(again.present, original.present)
        assert (log.kind[log.extras["ego"] == 1] == 1).all()
        np.testing.assert_allclose(log.vx, original.velocity[0, log.agent, frame, 0], atol=1e-6)
    assert logs[0].walls is None
    assert logs[1].walls is not None
    assert logs[1].walls.shape == (6, 4)


def test_simulated_logs_do_not_depend_on_the_batch():
    settings = dict(episodes=12, seed=5, people=(2, 5), population=Population(social_force=0.3), progress=False)
    whole, pieces = simulate(ALL, batch=12, **settings), simulate(ALL, batch=5, **settings)
    for one, other in zip(whole, pieces, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.agent, other.agent)
        np.testing.assert_allclose(one.x, other.x, atol=1e-4)


def test_simulated_egos_vary_what_they_do():
    logs = simulate(CircleCrossing(), episodes=30, people=3, progress=False, seconds=10.0)
    speeds, turns, stops = [], [], 0
    for log in logs:
        ego = log.extras["ego"] == 1
        speed = np.hypot(log.vx[ego], log.vy[ego])[1:]
        speeds.append(speed.mean())
        turns.append(np.abs(np.diff(np.unwrap(np.arctan2(log.vy[ego][1:], log.vx[ego][1:])))).mean())
        stops += bool((speed[:-4] < 1e-6).sum() >= 3)
        assert speed.max() <= 1.2 + 1e-4
        assert log.time.max() <= 10.0 + 1e-6
    assert np.std(speeds) > 0.1
    assert np.mean(turns) > 0.02
    assert 3 <= stops <= 20


def test_simulation_refuses_nonsense():
    with pytest.raises(ValueError, match="episodes >= 1"):
        simulate(episodes=0)
