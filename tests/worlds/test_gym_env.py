import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from jepa_social.worlds.gym_env import CrowdEnv, ReplayEnv  # and registers the environments
from jepa_social.worlds.scenarios import DenseSquare, Doorway
from tests.worlds.crowds import straight_log

SETTINGS = {
    "jepa_social/Crowd-v0": {"people": (2, 4), "scenario": Doorway()},
    "jepa_social/Replay-v0": {"recordings": [straight_log()], "agents": 3},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_passes_the_environment_checker(name):
    check_env(gymnasium.make(name, **SETTINGS[name]).unwrapped, skip_render_check=True)


def test_there_are_slots_for_everybody_that_a_scenario_has():
    env = CrowdEnv((DenseSquare(people=(9, 12)), Doorway()), people=(2, 4))
    most = 0
    for seed in range(6):
        observation, _ = env.reset(seed=seed)
        assert observation["position"].shape == (13, 8, 2) == env.observation_space["position"].shape
        most = max(most, observation["present"][:, -1].sum())
        assert observation["present"][:, -1].sum() == env.world.scene().present[0, :, -1].sum()
    assert most > 9


def test_straight_walk_to_the_goal_is_rewarded():
    env = gymnasium.make("jepa_social/Crowd-v0", people=1, visible=True)
    total, done, steps = 0.0, False, 0
    observation, info = env.reset(seed=3)
    assert info["scenario"] == "circle_crossing"
    while not done:
        to = observation["goal"] - observation["position"][0, -1]
        action = (to / np.linalg.norm(to)).astype(np.float32)
        observation, reward, terminated, truncated, info = env.step(action)
        total, done, steps = total + float(reward), terminated or truncated, steps + 1
    assert info["arrived"]
    assert total > 0.5
    assert steps == 31  # 7.7 m at 1 m/s in steps of 0.25 s


def test_standing_still_ends_in_truncation():
    env = gymnasium.make("jepa_social/Crowd-v0", people=1, visible=True, limit=2.0)
    env.reset(seed=0)
    ends = [env.step(np.zeros(2, dtype=np.float32))[2:4] for _ in range(8)]
    assert ends == [(False, False)] * 7 + [(False, True)]


def test_walking_into_people_is_a_collision():
    env = gymnasium.make("jepa_social/Crowd-v0", people=1)
    observation, _ = env.reset(seed=1)
    for _ in range(60):
        to = observation["position"][1, -1] - observation["position"][0, -1]
        action = (to / max(np.linalg.norm(to), 1e-6)).astype(np.float32)
        observation, reward, terminated, _, info = env.step(action)
        if terminated:
            break
    assert info["collided"]
    assert reward == -0.25


@pytest.mark.parametrize(("apart", "outcome"), [(0.3, "arrived"), (None, "collided")])
def test_friends_walk_shoulder_to_shoulder_and_strangers_collide(apart, outcome):
    log = straight_log(people=2)
    other = log.agent == log.agent.max()
    log.y[other] = apart or 0.0
    if apart is None:  # comes the other way
        log.x[other] = log.x[other][::-1]
    env = ReplayEnv([log])
    env.world.reset([0])
    for _ in range(60):
        *_, terminated, _, info = env.step(env.world.human_velocity()[0].numpy())
        if terminated:
            break
    assert info[outcome]


def test_walking_into_a_wall_is_a_collision():
    env = gymnasium.make("jepa_social/Crowd-v0", people=1, scenario=Doorway())
    observation, _ = env.reset(seed=1)
    wall = observation["walls"][0]  # beside the gap, between the ego and its goal
    target = (wall[:2] + wall[2:]) / 2
    for _ in range(60):
        to = target - observation["position"][0, -1]
        observation, reward, terminated, _, info = env.step((to / max(np.linalg.norm(to), 1e-6)).astype(np.float32))
        if terminated:
            break
    assert info["collided"]
    assert not info["arrived"]
    assert reward == -0.25
