"""What robots and other people's simulators hand to `Scene.from_arrays` and `policy.act`, and what becomes of it."""

import numpy as np
import pytest
import torch

from jepa_social.planning.build import jepa_planner
from jepa_social.planning.mpc import MPC
from jepa_social.scene import Scene
from tests.planning.strolls import planner_config, world_model

TASK = {"ego": 0, "goal": [8.0, 0.0], "speed": 1.2}


@pytest.fixture(scope="module")
def policy() -> MPC:
    return jepa_planner(world_model(speak=True), planner_config())


def tracks(agents: int, frames: int = 8, dt: float = 0.25, speed: float = 1.0) -> np.ndarray:
    """Straight walks `[agents,frames,2]`, float64, the ego at the origin on its way along x."""
    rng = np.random.default_rng(agents)
    start, velocity = rng.uniform(-5, 5, (agents, 2)), rng.normal(0, 0.7, (agents, 2))
    start[0], velocity[0] = 0.0, (speed, 0.0)
    return start[:, None] + dt * np.arange(1 - frames, 1)[:, None] * velocity[:, None]


def command(policy: MPC, *scenes: Scene) -> np.ndarray:
    """The last of the commands for these scenes in turn."""
    policy.reset()
    for scene in scenes:
        action = policy.act(scene)
        assert action.shape == (1, 2)
        assert bool(action.isfinite().all())
        assert float(action.norm()) <= 1.2 + 1e-5
    return action[0].numpy()  # pyright: ignore[reportPossiblyUnboundVariable]


@pytest.mark.parametrize("agents", [1, 2, 60])
@pytest.mark.parametrize("frames", [1, 2, 8, 50])
def test_nobody_one_or_a_crowd_and_any_history(policy, agents, frames):
    action = command(policy, Scene.from_arrays(tracks(agents, frames), 0.25, **TASK))
    if agents == 1:
        np.testing.assert_allclose(action, [1.2, 0.0], atol=0.05, err_msg="alone it goes straight")


@pytest.mark.parametrize("dt", [0.05, 0.1, 0.4, 1.0])
def test_other_rates_and_an_ego_that_stands(policy, dt):
    action = command(policy, Scene.from_arrays(tracks(1, 9, dt, speed=0.0), dt, **TASK))
    np.testing.assert_allclose(action, [1.2, 0.0], atol=0.05)
    command(policy, *(Scene.from_arrays(tracks(4, 9, d), d, **TASK) for d in (0.25, dt, 0.25)))


def test_people_come_and_go_between_calls(policy):
    scenes = [Scene.from_arrays(tracks(n), 0.25, **TASK) for n in (5, 2, 1, 60, 3)]
    command(policy, *scenes)


def test_who_was_not_seen_in_between_is_as_who_is_absent_there(policy):
    lost = tracks(4)
    lost[2, 3:5], lost[3, 1, 0] = np.nan, np.inf
    present = np.isfinite(lost).all(-1)
    told = Scene.from_arrays(np.nan_to_num(lost, posinf=0.0), 0.25, present=present, **TASK)
    np.testing.assert_array_equal(
        command(policy, Scene.from_arrays(lost, 0.25, **TASK)), command(policy, told), err_msg="NaN means absent"
    )


def test_who_is_not_there_now_is_not_planned_around(policy):
    gone = np.concatenate((tracks(1), np.full((1, 8, 2), [1.0, 0.0])))
    gone[1, -1] = np.nan
    action = command(policy, Scene.from_arrays(gone, 0.25, **TASK))
    np.testing.assert_allclose(action, command(policy, Scene.from_arrays(tracks(1), 0.25, **TASK)), atol=0.05)


@pytest.mark.parametrize("given", [np.float32, np.asfortranarray, lambda x: x[::-1][::-1], list, torch.tensor])
def test_any_array_will_do(policy, given):
    expected = command(policy, Scene.from_arrays(tracks(4), 0.25, **TASK))
    np.testing.assert_allclose(command(policy, Scene.from_arrays(given(tracks(4)), 0.25, **TASK)), expected, atol=1e-4)


def test_arrays_are_copied():
    position = tracks(3).astype(np.float32)
    scene = Scene.from_arrays(position, 0.25)
    position[:] = 7.0
    assert float(scene.position.max()) < 7.0
    position.setflags(write=False)
    Scene.from_arrays(position[::-1, ::-1], 0.25)


def test_at_the_goal_and_without_speed_it_stands(policy):
    for change in ({"goal": [0.0, 0.0]}, {"speed": 0.0}):
        scene = Scene.from_arrays(tracks(4), 0.25, **(TASK | change))
        np.testing.assert_allclose(command(policy, scene), 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"goal": [np.nan, 0.0]}, r"goal must be finite, in metres; scene 0 has nan"),
        ({"goal": [1.0, 2.0, 3.0]}, r"goal must have shape \[1, 2\]"),
        ({"speed": np.inf}, r"speed must be finite and not negative"),
        ({"speed": -1.0}, r"speed must be finite and not negative, in m/s; scene 0 has -1"),
        ({"radius": [0.3, np.nan, 0.3, 0.3]}, "radius must be finite"),
        ({"radius": -0.1}, "radius must be finite and not negative"),
        ({"kind": 99}, "kind must be an index into the 10"),
        ({"ego": 4}, "ego must be the index of one of 4 agents, or -1 for nobody; scene 0 has 4"),
        ({"walls": [[0.0, 1.0, np.nan, 1.0]]}, "walls must be finite"),
        ({"walls": [0.0, 1.0, 2.0, 1.0]}, r"walls must have shape .* got \[4\]"),
        ({"dt": np.nan}, "dt must be positive"),
        ({"dt": 0.0}, "dt must be positive"),
        (
            {"position": (tracks(4) + np.array([4e5, 5e6])).astype(np.float32)},
            "position must lie within .* give 64-bit",
        ),
        (
            {"position": [[[0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]]},
            "position must be an array of numbers with rows of eq",
        ),
        ({"position": np.zeros((4, 0, 2))}, "position has no frames"),
        ({"position": np.zeros((0, 8, 2))}, "ego must be the index of one of 0 agents"),
    ],
)
def test_nonsense_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        Scene.from_arrays(**({"position": tracks(4), "dt": 0.25} | TASK | change))


def test_slots_that_nobody_fills_may_hold_anything():
    position = tracks(3)
    position[2] = np.nan
    Scene.from_arrays(position, 0.25, radius=[0.3, 0.3, np.nan], **TASK)


def test_what_cannot_be_planned_is_refused_by_name(policy):
    policy.reset()
    with pytest.raises(ValueError, match="holds no scene"):
        policy.act(Scene.from_arrays(np.zeros((0, 3, 8, 2)), 0.25, ego=-1, goal=np.zeros((0, 2)), speed=1.0))
    lost = tracks(3)
    lost[0, -1] = np.nan
    with pytest.raises(ValueError, match="ego of scene 0 is not present in the last frame"):
        policy.act(Scene.from_arrays(lost, 0.25, **TASK))
    with pytest.raises(ValueError, match="share dt"):
        policy.act(Scene.from_arrays(np.stack([tracks(3)] * 2), [0.25, 0.4], **TASK))


def test_another_batch_needs_a_reset(policy):
    one, three = (Scene.from_arrays(np.stack([tracks(3)] * n), 0.25, **TASK) for n in (1, 3))
    policy.reset()
    policy.act(three)
    with pytest.raises(ValueError, match=r"last call had 3 scenes, this one has 1: reset\(\)"):
        policy.act(one)
    policy.keep(torch.tensor([False, True, False]))
    assert policy.act(one).shape == (1, 2)
    policy.reset()
    assert policy.act(three).shape == (3, 2)


def test_forecasts_refuse_rates_that_differ():
    model = world_model()
    with pytest.raises(ValueError, match="share dt"):
        model.forecast(Scene.from_arrays(np.stack([tracks(3)] * 2), [0.25, 0.4]))
    assert model.forecast(Scene.from_arrays(tracks(1, frames=1), 0.1), horizon=5).shape == (1, 1, 5, 2)
    assert model.forecast(Scene.from_arrays(np.zeros((0, 8, 2)), 0.25)).shape == (1, 0, 12, 2)
