"""What is put right in a history before anything is inferred: people lost for a moment, and far-off worlds."""

import math

import numpy as np
import pytest
import torch

from jepa_social.history import LONGEST, bridged, localised
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import jepa_planner
from jepa_social.planning.mpc import MPC
from jepa_social.scene import FAR, OF_FRAMES, Scene
from tests.planning.strolls import planner_config, world_model


@pytest.fixture(scope="module")
def model() -> WorldModel:
    return world_model(speak=True)


@pytest.fixture(scope="module")
def policy(model: WorldModel) -> MPC:
    return jepa_planner(model, planner_config())


def walkers(dt: float, seconds: float = 2.5, agents: int = 5) -> np.ndarray:
    """Straight walks `[agents,frames,2]` m that end in the last frame, the ego's along x."""
    rng = np.random.default_rng(3)
    start, velocity = rng.uniform(-4, 4, (agents, 2)), rng.normal(0, 1.0, (agents, 2))
    start[0], velocity[0] = 0.0, (1.0, 0.0)
    time = np.arange(-round(seconds / dt), 1) * dt
    return start[:, None] + velocity[:, None] * time[:, None]


# ---- people lost for a moment


@pytest.mark.parametrize(("dt", "lost"), [(0.04, 9), (0.1, 1), (0.1, 2), (0.25, 1), (0.25, 7), (0.4, 1)])
def test_who_was_lost_just_before_now_has_walked_on(model, policy, dt, lost):
    """On a straight line the frames that were lost are known, so nothing may change."""
    seen = walkers(dt)
    holes = seen.copy()
    holes[:, -1 - lost : -1] = np.nan
    task = {"ego": 0, "goal": [8.0, 0.0], "speed": 1.2}
    whole, broken = (Scene.from_arrays(p, dt, **task) for p in (seen, holes))
    repaired = bridged(broken)
    for name in OF_FRAMES:
        torch.testing.assert_close(getattr(repaired, name), getattr(whole, name), atol=2e-5, rtol=0, msg=name)
    torch.testing.assert_close(model.forecast(broken), model.forecast(whole), atol=1e-3, rtol=0)
    commands = []
    for scene in (whole, broken):
        policy.reset()
        commands.append(policy.act(scene))
    torch.testing.assert_close(*commands, atol=1e-3, rtol=0)


def test_only_what_is_unknown_and_recent_is_filled():
    line = np.arange(12)[:, None] * [0.3, 0.0]
    position = np.stack([line] * 5)
    position[0, 3:5] = np.nan  # an earlier gap
    position[1, :-1] = np.nan  # never seen before
    position[2, 2:-1] = np.nan  # too long ago: 2.5 s
    position[3, -2:] = np.nan  # not here now
    scene = Scene.from_arrays(position, 0.25)
    assert LONGEST < 10 * 0.25
    assert bridged(scene) is scene
    position[4, -2] = np.nan
    told = np.full((5, 12, 2), np.nan)
    told[4, -1] = (0.7, 0.7)
    scene = Scene.from_arrays(position, 0.25, velocity=told)
    repaired = bridged(scene)
    assert repaired.present[0, :4].equal(scene.present[0, :4])
    torch.testing.assert_close(repaired.velocity[0, 4, -1], torch.tensor([0.7, 0.7]))
    torch.testing.assert_close(repaired.position[0, 4, -2], torch.tensor([3.0, 0.0]))


def test_who_stood_through_the_gap_keeps_the_heading():
    position = np.zeros((1, 9, 2))
    position[0, :, 1] = np.minimum(np.arange(9), 4) * 0.3
    position[0, -2] = np.nan
    repaired = bridged(Scene.from_arrays(position, 0.25))
    assert repaired.present.all()
    torch.testing.assert_close(repaired.heading[0, 0, -1], torch.tensor(math.pi / 2))
    assert not repaired.velocity[0, 0, -1].any()


# ---- far from the origin


@pytest.mark.parametrize("origin", [(2e3, -3e3), (9e4, 9e4), (5e5, 4e6)])
@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_where_the_world_lies_does_not_matter(model, policy, dt, origin):
    walls = np.array([[3.0, -5.0, 3.0, 0.5], [3.0, 2.5, 3.0, 8.0]])
    results = []
    for angle in (0.0, 2.0):
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        away = np.array(origin) * (angle > 0)
        corners = walls.reshape(-1, 2) @ turn.T + away
        task = {"ego": 0, "goal": turn @ [8.0, 0.0] + away, "speed": 1.2, "walls": corners.reshape(-1, 4)}
        scene = Scene.from_arrays(walkers(dt) @ turn.T + away, dt, **task)
        policy.reset()
        futures = (model.forecast(scene), model.sample(scene, samples=2), model.draw(scene, samples=2))
        results.append([policy.act(scene).numpy() @ turn, *((f.numpy() - away) @ turn for f in futures)])
    for near, far in zip(*results, strict=True):
        np.testing.assert_allclose(far, near, atol=2e-3)


def test_padding_walls_stay_out_of_reach():
    here = Scene.from_arrays(np.full((2, 3, 2), FAR), 0.25, walls=[[FAR, FAR - 2.0, FAR, FAR + 2.0]])
    bare = Scene.from_arrays(np.full((2, 3, 2), FAR), 0.25)
    both, origin = localised(Scene.collate([here, bare]))
    assert both.walls is not None
    torch.testing.assert_close(both.walls, torch.tensor([[[0.0, -2, 0, 2]], [[FAR] * 4]]))
    torch.testing.assert_close(origin, torch.full((2, 2), FAR, dtype=torch.float64))


def test_positions_are_kept_in_as_many_bits_as_they_need():
    for offset, bits in ((0.0, torch.float32), (5e6, torch.float64)):
        scene = Scene.from_arrays(walkers(0.1) + offset, 0.1, goal=[offset, offset])
        assert scene.goal is not None
        assert (scene.position.dtype, scene.goal.dtype) == (bits, bits)
        assert scene.velocity.dtype == scene.heading.dtype == torch.float32
        np.testing.assert_allclose(scene.position[0].numpy() - offset, walkers(0.1), atol=1e-5)
        resampled = scene.resampled(0.25)
        assert resampled.position.dtype == bits
        np.testing.assert_allclose(resampled.velocity[0, :, -1], scene.velocity[0, :, -1], atol=1e-4)


def test_a_stray_agent_does_not_take_the_origin_away():
    position = walkers(0.25) + 5e5
    position[4] -= 4e5
    near, origin = localised(Scene.from_arrays(position, 0.25))
    assert origin is not None
    assert near.position[0, :4].abs().max() < 20
