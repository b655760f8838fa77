"""Laws of the planner, with the real planner settings: for constant velocity and for a world model alike."""

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.dynamics import ConstantVelocity
from jepa_social.planning.mpc import MPC
from jepa_social.planning.solvers import CEM
from jepa_social.scene import Scene
from tests.conftest import random_scene
from tests.planning.strolls import planner_config, street, walk, world_model

TIGHT = {"atol": 1e-3, "rtol": 1e-3}


def planner(kind: str, dt: float = 0.25) -> MPC:
    if kind == "constant velocity":
        return constant_velocity_planner(planner_config(), 0.25)
    return jepa_planner(world_model(dt, speak=kind == "speaking model"), planner_config())


@pytest.fixture(params=["constant velocity", "untrained model", "speaking model"])
def kind(request) -> str:
    return request.param


def crowd(batch: int = 4, seed: int = 0) -> Scene:
    """Random people at the model's rate, whose walls are far but there."""
    scene = random_scene(batch=batch, agents=6, seed=seed)
    return Scene.from_arrays(
        scene.position,
        0.25,
        present=scene.present,
        ego=scene.ego,
        goal=scene.goal,
        speed=1.2,
        walls=torch.ones(1, 4) * 7,
    )


def three(policy: MPC, scene: Scene) -> torch.Tensor:
    """Three decisions on the same scene, so that the warm start has its say: `[B,3,2]`."""
    policy.reset()
    return torch.stack([policy.act(scene) for _ in range(3)], dim=1)


def test_turning_the_world_turns_the_command(kind):
    scene, policy = crowd(), planner(kind)
    turned = three(policy, scene.transform(2.1, (3.0, -7.0)))
    torch.testing.assert_close(turned, rotate(three(policy, scene), torch.tensor(2.1)), **TIGHT)


def test_order_and_padding_of_people_do_not_matter(kind):
    scene, policy = crowd(), planner(kind)
    command = three(policy, scene)
    torch.testing.assert_close(three(policy, scene.pad(9)), command, **TIGHT)
    torch.testing.assert_close(three(policy, scene.permute(torch.tensor([3, 5, 0, 1, 4, 2]))), command, **TIGHT)


def test_a_scene_is_planned_alike_in_any_company(kind):
    scene, policy = crowd(), planner(kind)
    command = three(policy, scene)
    for one in range(4):
        torch.testing.assert_close(three(policy, scene[one : one + 1]), command[one : one + 1], **TIGHT)


def test_those_kept_go_on_as_if_alone(kind):
    scene, policy = crowd(), planner(kind)
    command, mask = three(policy, scene), torch.tensor([True, False, True, False])
    policy.reset()
    policy.act(scene)
    policy.keep(mask)
    torch.testing.assert_close(policy.act(scene[mask]), command[mask, 1], **TIGHT)
    policy.keep(torch.tensor([False, True]))
    torch.testing.assert_close(policy.act(scene[2:3]), command[2:3, 2], **TIGHT)


def test_reset_forgets_and_the_seed_decides(kind):
    scene, policy = crowd(), planner(kind)
    first = three(policy, scene)
    torch.manual_seed(123)
    assert torch.equal(three(policy, scene), first)
    policy.seed += 1
    assert not torch.equal(three(policy, scene), first)


def test_never_faster_than_the_preferred_speed(kind):
    scene, policy = crowd(), planner(kind)
    scene.speed = torch.tensor([0.0, 0.3, 1.0, 2.5])
    assert (three(policy, scene).norm(dim=-1) <= scene.speed[:, None] + 1e-5).all()


def test_alone_in_the_world_the_way_is_straight_and_the_pace_is_the_preferred(kind):
    path, _ = walk(planner(kind), street([(0.0, 60.0, 0.0, 0.0)], goal=(30.0, 0.0), moving=False), seconds=4.0)
    assert path[0, :, 1].abs().max() < 0.15
    assert path[0, -1, 0] > 0.95 * 4.0


def test_a_scene_without_anybody_else_can_be_planned_for(kind):
    command = planner(kind).act(street([], goal=(30.0, 0.0)))
    torch.testing.assert_close(command, torch.tensor([[1.0, 0.0]]), atol=0.05, rtol=0)


def test_it_stops_at_the_goal(kind):
    path, _ = walk(planner(kind), street([(0.0, 60.0, 0.0, 0.0)], goal=(3.0, 0.0)), seconds=7.0)
    left = (path[0] - torch.tensor([3.0, 0.0])).norm(dim=-1)
    assert left[-12:].max() < 0.3, "for its last 3 s it stays where the goal counts as reached"
    assert path[0, :, 0].max() < 3.3


def test_on_the_goal_it_does_not_move(kind):
    command = planner(kind).act(street([(5.0, 0.0, 0.0, 0.0)], goal=(0.0, 0.0), moving=False))
    assert command.norm() < 1e-6


@pytest.mark.parametrize("kind", ["constant velocity", "untrained model"])  # random readouts predict anything
def test_somebody_who_stands_on_the_line_is_walked_around(kind):
    scene = Scene.collate([street([(3.0, beside, 0.0, 0.0)], goal=(6.0, 0.0)) for beside in (0.0, 0.2, -0.2)])
    path, clearance = walk(planner(kind), scene, seconds=10.0)
    assert (clearance > 0.05).all()
    assert ((path[:, -1] - torch.tensor([6.0, 0.0])).norm(dim=-1) < 0.3).all()


def test_somebody_who_crosses_is_not_hit():
    """Both would meet at 3 m: an ego that does not see them collides."""
    scene = Scene.collate([street([(3.0, -3.0 * side, 0.0, side)], goal=(6.0, 0.0)) for side in (1.0, -1.0)])
    blind = scene.clone()
    blind.present[:, 1:] = False
    _, clearance = walk(planner("constant velocity"), blind, seconds=5.0)
    assert (clearance < 0).all()
    path, clearance = walk(planner("constant velocity"), scene, seconds=10.0)
    assert (clearance > 0.05).all()
    assert ((path[:, -1] - torch.tensor([6.0, 0.0])).norm(dim=-1) < 0.3).all()


def test_the_two_planners_differ_in_nothing_but_their_dynamics():
    """With a readout that says nothing yet the model extrapolates, so both must command the same."""
    scene = crowd()
    ours, theirs = planner("untrained model"), planner("constant velocity")
    torch.testing.assert_close(three(ours, scene), three(theirs, scene), **TIGHT)
    torch.testing.assert_close(
        *(walk(policy, street([(3.0, 3.0, 0.0, -1.0), (5.0, 0.3, -0.6, 0.0)]), 3.0)[0] for policy in (ours, theirs)),
        atol=1e-2, rtol=0,
    )  # fmt: skip


@pytest.mark.parametrize("dt", [0.1, 0.4, 0.5])
def test_a_foreign_simulator_at_another_rate(dt):
    frames = round(2.0 / dt)
    scene = street([(2.0, 0.1, 0.0, 0.0)], dt=dt, frames=frames, goal=(4.0, 0.0))
    path, clearance = walk(planner("untrained model"), scene, seconds=7.0)
    assert clearance > 0.0
    assert (path[0, -1] - torch.tensor([4.0, 0.0])).norm() < 0.35
    assert (path.diff(dim=1).norm(dim=-1) <= dt + 1e-4).all()


def test_what_is_missing_is_named():
    policy = planner("constant velocity")
    with pytest.raises(ValueError, match=r"scene\.goal and scene\.speed"):
        policy.act(Scene.from_arrays(torch.zeros(2, 3, 2), 0.25, ego=0))
    scene = crowd()
    scene.ego[2] = -1
    with pytest.raises(ValueError, match=r"scene\.ego"):
        policy.act(scene)
    with pytest.raises(ValueError, match=r"planner\.mpc\.knots=9 .* the 4 steps of planner\.mpc\.horizon"):
        MPC("x", ConstantVelocity(0.4), lambda imagined: imagined.actions.sum((2, 3)), CEM(), horizon=1.6, knots=9)


def test_a_ring_of_people_before_the_goal_is_walked_around():
    """Two stand closer than it could pass between; the way round them is free and a metre and a half longer."""
    scene = street([(3.5, 0.5, 0.0, 0.0), (3.5, -0.5, 0.0, 0.0)], goal=(4.2, 0.0))
    path, clearance = walk(planner("constant velocity"), scene, seconds=14.0)
    assert (clearance > 0.0).all()
    assert (path[:, -1] - torch.tensor([4.2, 0.0])).norm() < 0.3
