import pytest
import torch

from jepa_social.planning.dynamic_window import DynamicWindow
from jepa_social.scene import Scene
from tests.planning.test_reactive import meeting


def going(velocity, others=(), walls=None, goal=(6.0, 0.0)) -> Scene:
    """An ego at the origin that moves with `velocity`, people who stand."""
    position = torch.zeros(1 + len(others), 2, 2)
    position[0, 0] = -0.25 * torch.tensor(velocity)
    if others:
        position[1:] = torch.tensor(others)[:, None]
    return Scene.from_arrays(position, 0.25, ego=0, goal=goal, speed=1.0, walls=walls)


@pytest.mark.parametrize("velocity", [(0.0, 0.0), (0.0, 1.0), (-0.8, 0.0)])
def test_the_command_can_be_reached_within_one_step(velocity):
    scene = going(velocity, [(1.0, 0.2), (0.8, -0.9)])
    action = DynamicWindow(acceleration=1.5).act(scene)
    assert (action - scene.velocity[:, 0, -1]).norm() <= 1.5 * 0.25 + 1e-5


def test_people_at_constant_velocity_are_gone_round():
    assert torch.equal(DynamicWindow().act(going((1.0, 0.0))), torch.tensor([[1.0, 0.0]]))
    facing = DynamicWindow(margin=0.1).act(meeting(others=((2.5, 0.1),)))
    assert facing[0, 1].abs() > 0.05
    behind = DynamicWindow(margin=0.1).act(meeting(others=((-2.0, 0.1),)))
    torch.testing.assert_close(behind, torch.tensor([[1.0, 0.0]]), rtol=0, atol=1e-5)


def test_who_could_not_brake_in_time_is_slowed():
    hurried = going((1.0, 0.0), [(1.0, 0.0), (1.0, 0.61), (1.0, -0.61), (0.6, 1.2), (0.6, -1.2)])
    action = DynamicWindow(acceleration=1.0, margin=0.0, clearance=0.0).act(hurried)
    assert action[0, 0] < 0.9, "0.4 m are left, from 1 m/s it takes 0.5 m to stop"
    free = DynamicWindow(acceleration=4.0, margin=0.0, clearance=0.0).act(hurried)
    assert free[0, 0] > 0.9


def test_walls_are_not_walked_into():
    wall = torch.tensor([[1.0, -5.0, 1.0, 5.0]])
    towards = going((1.0, 0.0), walls=wall, goal=(0.0, 0.0))
    towards.goal = torch.tensor([[0.9, 0.0]])
    policy = DynamicWindow()
    for _ in range(30):
        action = policy.act(towards)
        place = towards.position[:, 0, -1] + 0.25 * action
        towards.position[:, 0, -1], towards.velocity[:, 0, -1] = place, action
        assert place[0, 0] < 0.71, "a disc of 0.3 m"


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="acceleration=0"):
        DynamicWindow(acceleration=0)
