import numpy as np
import torch
from stable_baselines3.common.vec_env import VecEnv

from jepa_social.planning.learned import OTHER, OWN, View
from jepa_social.rl.vec_env import CrowdVecEnv
from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.gym_env import CrowdEnv
from jepa_social.worlds.scenarios import CircleCrossing, Corridor


def crowd(limit: float = 25.0) -> Crowd:
    return Crowd([CircleCrossing(), Corridor()], (2, 4), limit=limit, observed=3)


def test_a_scene_put_anew_goes_on_as_a_fresh_one():
    pool, world = crowd(), crowd()
    pool.reset(range(6))
    world = pool.branch(scenes=[0, 1, 2])
    for _ in range(4):
        world.step(torch.full((3, 2), 0.5))
    untouched = world.branch(scenes=[0, 2])
    world.restart(torch.tensor([1]), pool, torch.tensor([5]))
    fresh = pool.branch(scenes=[5])
    assert world.scenario_names()[1] == fresh.scenario_names()[0]
    for _ in range(5):
        seen = world.step(torch.full((3, 2), 0.5))
        alone, others = fresh.step(torch.full((1, 2), 0.5)), untouched.step(torch.full((2, 2), 0.5))
    for name in ("position", "velocity", "heading", "present", "radius", "walls"):
        assert torch.equal(getattr(seen, name)[1:2], getattr(alone, name))
        assert torch.equal(getattr(seen, name)[[0, 2]], getattr(others, name))
    assert world.limit.tolist() == [25.0, 26.0, 25.0], "a whole episode from when it began"


def test_it_is_the_gymnasium_environment_many_times():
    world = Crowd(CircleCrossing(), 5)
    env = CrowdVecEnv(world, [7, 8], scenes=2, seen=5)
    assert isinstance(env, VecEnv)
    places = [int(seed) for seed in env.world._seeds]
    single = CrowdEnv(CircleCrossing(), 5)
    rng = np.random.default_rng(0)
    for _ in range(40):
        before = env.world.branch()
        action = rng.uniform(-1, 1, (2, 2)).astype(np.float32)
        _, gained, done, infos = env.step(action)
        for scene in range(2):
            single.world = before.branch(scenes=[scene])
            velocity = View(before.scene(1), 5).command(torch.as_tensor(action))[scene].numpy()
            _, reward, over, late, info = single.step(velocity)
            assert abs(float(reward) - gained[scene]) < 1e-6
            assert done[scene] == (over or late)
            if done[scene]:
                assert infos[scene]["collided"] == info["collided"]
                assert infos[scene]["is_success"] == info["arrived"]
    assert sorted(places) == [7, 8]


def test_what_is_over_begins_anew_and_is_told_of():
    env = CrowdVecEnv(crowd(limit=1.0), range(8), scenes=4, seen=3)
    first = env.reset()
    assert first.shape == (4, OWN + 3 * (OTHER + 1))
    for _ in range(4):
        seen, _, done, infos = env.step(np.zeros((4, 2), dtype=np.float32))
    assert done.all(), "1 s is over"
    assert all(info["TimeLimit.truncated"] and info["episode"]["l"] == 4 for info in infos)
    assert not np.allclose(seen, np.stack([info["terminal_observation"] for info in infos]))
    assert (seen[:, 3:5] == 0).all(), "nobody has moved yet"


def test_an_action_is_what_commands_it():
    world = crowd()
    scene: Scene = world.reset(range(3))
    view = View(scene, 4)
    action = torch.tensor([[0.5, 0.1], [0.0, -0.7], [-0.3, 0.3]])
    torch.testing.assert_close(view.action(view.command(action)), action)
