"""Commands more often than the dynamics imagine frames."""

import pytest
import torch

from jepa_social.planning.dynamics import ConstantVelocity, Imagination
from jepa_social.planning.finer import Finer
from tests.conftest import random_scene
from tests.planning.strolls import world_model


@pytest.fixture(scope="module")
def speaking():
    return world_model(dt=0.4, speak=True)


@pytest.fixture
def scene():
    """Frames of 0.2 s, the ego first and the nearest next."""
    seen = random_scene()
    seen.dt = torch.full_like(seen.dt, 0.2)
    return seen.nearest(seen.agents)


@pytest.fixture
def plans() -> torch.Tensor:
    return torch.randn(3, 6, 5, 2, generator=torch.Generator().manual_seed(2))


def test_constant_velocity_in_long_steps_told_in_short_ones_is_constant_velocity_in_short_steps(scene, plans):
    finer, short = Finer(ConstantVelocity(0.4), 0.2), ConstantVelocity(0.2)
    told = [one.roll(one.prepare(scene, 4), plans, scene.dt) for one in (finer, short)]
    torch.testing.assert_close(*told)


@pytest.mark.parametrize("reactive", [True, False])
def test_frames_are_the_dynamics_own_and_between_them_people_go_straight(speaking, scene, plans, reactive):
    imagination = Imagination(speaking, reactive)
    coarse = scene.resampled(0.4)
    goes_on = torch.cat((plans, plans[:, :, -1:]), dim=2)
    whole = 0.5 * (goes_on[:, :, ::2] + goes_on[:, :, 1::2])
    frames = imagination.roll(imagination.prepare(coarse, 4), whole, coarse.dt)
    finer = Finer(imagination, 0.2)
    path = finer.roll(finer.prepare(scene, 4), plans, scene.dt)
    assert path.shape[-2] == 6
    torch.testing.assert_close(path[..., ::2, :], frames[..., :3, :])
    torch.testing.assert_close(path[..., 1::2, :], 0.5 * (frames[..., :3, :] + frames[..., 1:, :]))


def test_whatever_costs_may_ask_has_as_many_steps_as_the_plan(speaking, scene, plans):
    imagination = Imagination(speaking)
    finer = Finer(imagination, 0.2)
    people = finer.prepare(scene, 4)
    sampled = finer.sample(people, plans, scene.dt, 3)
    assert sampled.position.shape[-2] == 6
    assert sampled.scale.shape[-1] == 5
    assert finer.absent(people, 5, scene.dt).shape == (3, 4, 6, 2)
    human, frames = finer.human(people, 5, scene.dt), imagination.human(people, 3, 2 * scene.dt)
    assert human.scale.shape == (3, 5)
    torch.testing.assert_close(human.position[:, 1::2], frames.position[:, :2])
    torch.testing.assert_close(human.position[:, 0], 0.5 * (scene.position[:, 0, -1] + frames.position[:, 0]))


@pytest.mark.parametrize("step", [0.0, 0.3, 0.8])
def test_steps_that_fit_no_frame_are_refused(step):
    with pytest.raises(ValueError, match=r"planner\.step="):
        Finer(ConstantVelocity(0.4), step)
