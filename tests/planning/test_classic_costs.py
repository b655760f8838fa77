"""Progress, clearance, personal space and comfort on hand-made futures, with the numbers that a pencil gives."""

from dataclasses import replace

import pytest
import torch

from jepa_social.planning.costs import Clearance, Comfort, PersonalSpace, Progress
from jepa_social.worlds.route import Route
from tests.planning.futures import future


def is_close(cost: torch.Tensor, value: float) -> None:
    torch.testing.assert_close(cost, torch.tensor([[value]]), atol=1e-5, rtol=1e-5)


def test_progress_is_the_way_made_of_what_full_speed_would_make():
    mean, last = (0.5 + 1.0 + 1.5 + 2.0) / 4 / 2.0, 1.0
    is_close(Progress()(future()), 0.0)
    for end in (0.0, 0.25, 1.0):
        is_close(Progress(end)(future((1.0, 0.0))), -(1 - end) * mean - end * last)
        is_close(Progress(end)(future((-1.0, 0.0))), (1 - end) * mean + end * last)


def test_whoever_has_arrived_stays_and_meets_nobody():
    ahead = replace(future((1.0, 0.0), people=((2.0, 0.3),)), goal=torch.tensor([[1.0, 0.0]]))
    assert ahead.left[0, 0].tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0, 0.0], abs=1e-6)
    assert ahead.underway[0, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
    is_close(Clearance(margin=0.3)(ahead), 0.0)  # the touch would come in the third step


def test_the_end_of_a_wall_is_not_cut_between_two_frames():
    """Steps of 0.5 m on either side of a wall's end, 0.25 m away from it half way."""
    here = future((1.0, 0.0), walls=torch.tensor([[[0.75, 0.25, 0.75, 9.0]]]))
    assert here.wall_clearance is not None
    expected = [0.125**0.5 - 0.3, -0.05, 0.125**0.5 - 0.3, 0.625**0.5 - 0.3]
    torch.testing.assert_close(here.wall_clearance[0, 0, 0], torch.tensor(expected))


def test_the_way_left_leads_round_walls():
    """One plan walks round the end of a wall, one straight through it, towards a goal behind."""
    wall = torch.tensor([[[0.5, -5.0, 0.5, 0.5]]])
    goal, radius = torch.tensor([[2.0, 0.0]]), torch.tensor([0.3])
    path = torch.tensor([[0.0, 0.0], [0.0, 0.95], [0.5, 0.95], [1.25, 0.475], [2.0, 0.0]])
    through = torch.stack((torch.linspace(0.0, 2.0, 5), torch.zeros(5)), dim=-1)
    here = future(walls=wall)
    both = here.actions.expand(-1, 2, -1, -1)
    here = replace(here, goal=goal, actions=both, ego=torch.stack((path, through))[None])
    assert here.left[0, 0, 1] > here.left[0, 0, 0], "as the crow flies, the way round leads astray"
    here = replace(here, route=Route(goal, wall, radius))
    last = float(torch.tensor([1.5, 0.95]).norm())
    start = float(torch.tensor([0.5, 0.95]).norm()) + last
    past = float(torch.tensor([2.0, 0.95]).norm())  # from there the goal is seen
    expected = [start, past, last, last / 2, 0.0]
    torch.testing.assert_close(here.left[0, 0], torch.tensor(expected), rtol=0, atol=1e-5)
    assert here.left[0, 1, 0] == here.left[0, 0, 0]
    assert here.underway[0, 0].tolist() == [1.0] * 4


def test_the_margin_to_people_grows_along_the_plan():
    stands = future(people=((1.0, 0.0),))  # 0.4 m of air
    is_close(Clearance(margin=0.3, growth=0.0)(stands), 0.0)
    grown = [0.3, 0.5, 0.7, 0.9]  # 0.4 m/s more after every 0.5 s
    near = [max(0.0, 1 - 0.4 / margin) ** 2 for margin in grown]
    is_close(Clearance(margin=0.3, growth=0.4, fade=1.0)(stands), sum(near) / 4)


def test_clearance_grows_with_nearness_and_jumps_at_touch():
    cost = Clearance(margin=0.3, collision=2.0, fade=1.0)
    is_close(cost(future()), 0.0)
    is_close(cost(future(people=((0.9, 0.0),))), 0.0)  # 0.3 m of air: just outside the margin
    is_close(cost(future(people=((0.75, 0.0),))), 0.25)
    is_close(cost(future(people=((0.75, 0.0), (0.0, 0.75)))), 0.5)
    is_close(cost(future(people=((0.45, 0.0),))), 1.5**2 + 2.0)
    is_close(cost(future(people=((0.0, 0.0),))), 2.0**2 + 2.0)  # the depth is bounded


def test_clearance_counts_later_steps_less():
    cost = Clearance(margin=0.3, collision=2.0, fade=0.4)
    is_close(cost(future(people=((0.75, 0.0),))), 0.25 * (1.0 + 0.8 + 0.6 + 0.4) / 4)


def test_nobody_can_be_walked_through_between_two_frames():
    across = future((4.0, 0.0), people=((1.0, 0.0),), steps=2)  # at 0, 2 and 4 m; somebody stands at 1 m
    torch.testing.assert_close(across.distance[0, 0, 0], torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(across.clearance[0, 0, 0], torch.tensor([-0.6, 0.4]))
    assert Clearance()(across) > 1.0


def test_walls_cost_as_people_do():
    wall = torch.tensor([[[-5.0, 0.45, 5.0, 0.45]]])
    cost = Clearance(margin=0.3, collision=2.0, fade=1.0)
    is_close(cost(future(walls=wall)), 0.25)
    past = future((0.0, 1.0), walls=wall, steps=2)  # ends its steps 0.05 m and 0.55 m off: an overlap, then room enough
    is_close(cost(past), ((1.0 + 0.25 / 0.3) ** 2 + 2.0 + (1.0 - 0.25 / 0.3) ** 2) / 2)


def test_personal_space_is_the_depth_of_the_deepest_intrusion():
    is_close(PersonalSpace(1.0)(future(people=((1.0, 0.0),))), 0.0)
    is_close(PersonalSpace(1.0)(future(people=((0.4, 0.0), (0.0, 0.9)))), 0.6)
    is_close(PersonalSpace(2.0)(future(people=((0.4, 0.0),))), 0.8)


def test_comfort_is_free_at_constant_velocity_and_counts_change():
    is_close(Comfort()(future((1.0, 0.0), velocity=(1.0, 0.0))), 0.0)
    # from rest to 1 m/s in the first step: one acceleration of 2 m/s^2, one jerk of -4 m/s^3
    is_close(Comfort(jerk=0.1)(future((1.0, 0.0))), 2.0**2 / 4 + 0.1 * 4.0**2 / 3)
    is_close(Comfort(jerk=0.1, acceleration=0.0)(future((1.0, 0.0))), 0.1 * 4.0**2 / 3)
    is_close(Comfort(jerk=0.0)(replace(future((1.0, 0.0)), speed=torch.tensor([2.0]))), 2.0**2 / 4 / 2.0**2)


@pytest.mark.parametrize("cost", [Clearance(), PersonalSpace()], ids=lambda cost: type(cost).__name__)
def test_empty_slots_cost_nothing(cost):
    both = future(people=((0.7, 0.0), (0.1, 0.0)), exists=[True, False])
    assert torch.equal(cost(both), cost(future(people=((0.7, 0.0),))))
