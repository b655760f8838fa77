"""The policy prior: laws of its plans, saving, and behaviour cloning as a policy."""

import pytest
import torch
from safetensors.torch import save_file

from jepa_social.geometry import rotate
from jepa_social.planning.build import cloned_policy
from jepa_social.planning.plans import Plans, axes_toward
from jepa_social.planning.prior import FILE, Prior
from jepa_social.scene import Scene
from tests.conftest import random_scene
from tests.planning.strolls import SMALL, planner_config, street, walk, world_model
from tests.planning.test_mpc_solvers import a_prior


def cloned(prior: Prior):
    return cloned_policy(world_model(), prior, planner_config())


def untrained() -> Prior:
    return Prior(SMALL.width, Plans(3, 12)).eval()


def test_plans_and_commands_are_two_ways_to_say_the_same():
    plans = Plans(3, 12)
    told = 0.2 * torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))
    axes = axes_toward(torch.zeros(4, 2), torch.randn(4, 2, generator=torch.Generator().manual_seed(1)))
    speed = torch.tensor([0.5, 1.0, 1.3, 2.0])
    torch.testing.assert_close(plans.nearest(plans.actions(told, axes, speed), axes, speed), told, atol=1e-4, rtol=1e-3)
    fast = plans.actions(9 * told, axes, speed).norm(dim=-1)
    assert (fast <= speed.view(-1, 1, 1) + 1e-5).all()
    with pytest.raises(ValueError, match=r"planner\.mpc\.knots=1"):
        Plans(1, 12)


def test_a_prior_moves_with_the_world_and_does_not_mind_padding_or_company():
    scene, policy = random_scene(batch=4, agents=6), cloned(a_prior())
    command = policy.act(scene)
    assert (command.norm(dim=-1) > 0.05).any()
    turned = policy.act(scene.transform(2.1, (3.0, -7.0)))
    torch.testing.assert_close(turned, rotate(command, torch.tensor(2.1)), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(policy.act(scene.pad(9)), command, atol=1e-4, rtol=1e-3)
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    torch.testing.assert_close(policy.act(scene.permute(order)), command, atol=1e-4, rtol=1e-3)
    for one in range(4):
        torch.testing.assert_close(policy.act(scene[one : one + 1]), command[one : one + 1], atol=1e-4, rtol=1e-3)


def test_a_prior_that_has_learned_nothing_goes_straight_and_stops_at_the_goal():
    path, _ = walk(cloned(untrained()), street([(0.0, 60.0, 0.0, 0.0)], goal=(3.0, 0.0)), seconds=5.0)
    torch.testing.assert_close(path[0, -1], torch.tensor([3.0, 0.0]), atol=0.1, rtol=0)
    assert path[0, 4, 0] == pytest.approx(1.0, abs=0.05), "at the preferred speed"


def test_a_saved_prior_comes_back_as_it_was(tmp_path):
    prior, scene = a_prior(), random_scene()
    prior.save(tmp_path)
    assert torch.equal(cloned(Prior.load(tmp_path)).act(scene), cloned(prior).act(scene))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_what_cannot_be_loaded_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no prior\.safetensors: clone one"):
        Prior.load(tmp_path)
    save_file({"x": torch.zeros(1)}, tmp_path / FILE, {"about": '{"format": 99}'})
    with pytest.raises(ValueError, match="has format 99"):
        Prior.load(tmp_path)


def test_a_cloned_policy_says_what_it_lacks():
    with pytest.raises(ValueError, match=r"scene\.goal and scene\.speed"):
        cloned(untrained()).act(Scene.from_arrays(torch.zeros(2, 3, 2), 0.25, ego=0))
