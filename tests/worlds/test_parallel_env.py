import numpy as np
import pytest
import torch
from pettingzoo.test import parallel_api_test, parallel_seed_test

from jepa_social.planning.reactive import Orca
from jepa_social.worlds.gym_env import CrowdEnv
from jepa_social.worlds.parallel_env import ParallelCrowd
from jepa_social.worlds.scenarios import CircleCrossing, Doorway, RandomCrossing


def walk(env: ParallelCrowd, policy, seed: int):
    """One episode in which `policy` moves every ego; last infos, steps taken, and positions of everybody."""
    env.reset(seed=seed)
    ends, steps = {}, 0
    while env.agents:
        commands = policy.act(env.scenes())
        egos = list(env.agents)
        actions = {agent: command.numpy() for agent, command in zip(egos, commands, strict=True)}
        _, _, terminated, truncated, infos = env.step(actions)
        steps += 1
        ends |= {agent: infos[agent] for agent in egos if terminated[agent] or truncated[agent]}
    return ends, steps, env.world.history()


@pytest.mark.parametrize("settings", [{}, {"scenario": Doorway(), "people": 3, "egos": 4, "limit": 5.0}])
def test_passes_pettingzoos_own_tests(settings):
    parallel_api_test(ParallelCrowd(**settings), num_cycles=60)
    parallel_seed_test(lambda: ParallelCrowd(**settings), num_cycles=30)


def test_everybody_may_be_controlled_and_arrives():
    ends, _, history = walk(ParallelCrowd(people=5, egos=6), Orca(margin=0.1), seed=4)
    assert len(ends) == 6
    assert sum(end["arrived"] for end in ends.values()) >= 5
    gone = history.present[0, :, -1]
    assert not gone[1:].all(), "who is done leaves the scene"


def test_one_ego_is_the_gymnasium_environment():
    alone, many = CrowdEnv(people=4, visible=True), ParallelCrowd(people=4, egos=1)
    seen, _ = alone.reset(seed=5)
    theirs, _ = many.reset(seed=5)
    for _ in range(15):
        for name, value in seen.items():
            np.testing.assert_array_equal(value, theirs["ego_0"][name], err_msg=name)
        to = seen["goal"] - seen["position"][0, -1]
        action = (to / np.linalg.norm(to)).astype(np.float32)
        seen, gain, ended, _, info = alone.step(action)
        theirs, gains, done, _, infos = many.step({"ego_0": action})
        assert (gain, ended, info) == (gains["ego_0"], done["ego_0"], infos["ego_0"])
        if ended:
            break


def test_every_ego_sees_the_same_moment_from_its_own_place():
    env = ParallelCrowd(scenario=RandomCrossing(), people=4, egos=3)
    seen, _ = env.reset(seed=1)
    scenes = env.scenes()
    assert scenes.ego.tolist() == [0, 1, 2]
    assert scenes.truth is None
    for row, agent in enumerate(env.agents):
        torch.testing.assert_close(scenes.position[row], scenes.position[0])
        np.testing.assert_allclose(seen[agent]["position"][0], scenes.position[row, row].numpy())
        np.testing.assert_allclose(seen[agent]["goal"], scenes.goal[row].numpy())
        away = np.linalg.norm(seen[agent]["position"][:, -1] - seen[agent]["position"][0, -1], axis=-1)
        assert (np.diff(away) >= 0).all(), "the nearest come first"


def test_a_scenario_may_say_how_many_there_are():
    env = ParallelCrowd(scenario=RandomCrossing(people=(6, 7)), people=1, egos=7)
    seen, _ = env.reset(seed=2)
    assert seen["ego_6"]["position"].shape[0] == 8
    assert seen["ego_6"]["present"][:, -1].sum() == env.world.scene().present[0, :, -1].sum()


def test_an_ego_moves_as_it_is_told_but_no_faster_than_it_can():
    env = ParallelCrowd(people=3, egos=2)
    env.reset(seed=0)
    before = env.world.scene().position[0, :2, -1]
    env.step({"ego_0": np.array([0.3, 0.0]), "ego_1": np.array([0.0, 50.0])})
    moved = (env.world.scene().position[0, :2, -1] - before) / env.world.dt
    torch.testing.assert_close(moved[0], torch.tensor([0.3, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[1], torch.tensor([0.0, float(env.world.greatest_speeds[1])]), atol=1e-5, rtol=0)


def test_egos_who_run_into_each_other_are_both_out():
    env = ParallelCrowd(scenario=CircleCrossing(), people=1, egos=2)
    env.reset(seed=3)
    for _ in range(60):
        here = env.world.scene().position[0, :2, -1].numpy()
        toward = (here[1] - here[0]) / np.linalg.norm(here[1] - here[0])
        _, rewards, terminated, _, infos = env.step({"ego_0": toward, "ego_1": -toward})
        if terminated["ego_0"]:
            break
    assert infos["ego_0"]["collided"]
    assert infos["ego_1"]["collided"]
    assert rewards == {"ego_0": -0.25, "ego_1": -0.25}
    assert not env.agents


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match=r"egos=5 must lie between 1 and all 3"):
        ParallelCrowd(people=2, egos=5)
    with pytest.raises(ValueError, match=r"egos=5 must lie between 1 and all 3"):
        ParallelCrowd(scenario=Doorway(people=(2, 6)), people=9, egos=5)
    env = ParallelCrowd(people=2, egos=2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="no action for ego_1"):
        env.step({"ego_0": np.zeros(2)})
    with pytest.raises(ValueError, match="finite"):
        env.step({"ego_0": np.zeros(2), "ego_1": np.array([np.nan, 0.0])})
