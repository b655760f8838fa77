"""Costs on hand-made futures, with the numbers that a pencil gives."""

from dataclasses import replace

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.planning.costs import Clearance, Comfort, PersonalSpace, Progress, Weighted
from jepa_social.planning.imagined import Imagined

STEPS, DT = 4, 0.5
FAR_AWAY = (50.0, 50.0)


def future(
    action=(0.0, 0.0), people=(FAR_AWAY,), velocity=(0.0, 0.0), exists=None, walls=None, steps=STEPS
) -> Imagined:
    """One plan that keeps one command from the origin on, among people who stand; discs of 0.3 m."""
    actions = torch.tensor(action).expand(1, 1, steps, 2)
    ego = torch.cat((torch.zeros(1, 1, 1, 2), (DT * actions).cumsum(2)), dim=2)
    crowd = torch.tensor(people).view(1, 1, -1, 1, 2).expand(-1, -1, -1, steps + 1, -1)
    there = (
        torch.ones(1, crowd.shape[2], dtype=torch.bool) if exists is None else torch.tensor([exists], dtype=torch.bool)
    )
    return Imagined(
        actions, ego, crowd, there, torch.full((1, crowd.shape[2]), 0.6), torch.tensor([0.3]), torch.tensor([velocity]),
        torch.tensor([[10.0, 0.0]]), torch.tensor([1.0]), torch.tensor([DT]), walls,
    )  # fmt: skip


def crowd(reactive: bool = True) -> Imagined:
    """Anything: three scenes, five plans, four people, of whom one is missing, and walls."""
    torch.manual_seed(0)
    actions = torch.randn(3, 5, 6, 2)
    ego = torch.cat((torch.zeros(3, 5, 1, 2), (0.4 * actions).cumsum(2)), dim=2) + torch.randn(3, 1, 1, 2)
    people = ego[:, :1, None, :1] + torch.randn(3, 5 if reactive else 1, 4, 7, 2)
    exists = torch.tensor([[True, True, True, False]]).expand(3, -1)
    return Imagined(
        actions, ego, people, exists, torch.full((3, 4), 0.5), torch.full((3,), 0.2), torch.randn(3, 2),
        5 * torch.randn(3, 2), torch.tensor([1.0, 1.2, 0.8]), torch.full((3,), 0.4), torch.randn(3, 2, 4),
    )  # fmt: skip


COSTS = [Progress(), Clearance(), PersonalSpace(), Comfort()]


def name(cost) -> str:
    return type(cost).__name__


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
    on_the_way = replace(ahead, final=torch.tensor([False]))
    assert on_the_way.underway[0, 0].tolist() == [1.0] * 4
    assert (Clearance(margin=0.3)(on_the_way) > 0.5).all()


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
    is_close(Comfort(jerk=0.0)(replace(future((1.0, 0.0)), speed=torch.tensor([2.0]))), 2.0**2 / 4 / 2.0**2)


@pytest.mark.parametrize("cost", [Clearance(), PersonalSpace()], ids=name)
def test_empty_slots_cost_nothing(cost):
    is_close(cost(future(people=((0.1, 0.0),), exists=[False])), 0.0)
    both = future(people=((0.7, 0.0), (0.1, 0.0)), exists=[True, False])
    assert torch.equal(cost(both), cost(future(people=((0.7, 0.0),))))


def test_an_empty_scene_costs_nothing():
    is_close(Clearance()(future(people=(), exists=[])), 0.0)


def test_an_empty_scene_leaves_all_space_to_oneself():
    is_close(PersonalSpace()(future(people=(), exists=[])), 0.0)


@pytest.mark.parametrize("cost", COSTS, ids=name)
@pytest.mark.parametrize("reactive", [True, False])
def test_rigid_motions_change_no_cost(cost, reactive):
    here = crowd(reactive)
    angle, shift = torch.tensor(2.3), torch.tensor([4.0, -9.0])
    there = replace(
        here,
        actions=rotate(here.actions, angle),
        velocity=rotate(here.velocity, angle),
        walls=(rotate(here.walls.unflatten(-1, (2, 2)), angle) + shift).flatten(-2),
        **{name: rotate(getattr(here, name), angle) + shift for name in ("ego", "people", "goal")},
    )
    assert cost(here).shape == (3, 5)
    torch.testing.assert_close(cost(there), cost(here), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cost", COSTS, ids=name)
def test_people_who_do_not_mind_the_plan_are_the_same_under_each(cost):
    here = crowd(reactive=False)
    each = replace(here, people=here.people.expand(-1, 5, -1, -1, -1))
    assert torch.equal(cost(here), cost(each))


@pytest.mark.parametrize("cost", COSTS, ids=name)
def test_the_order_of_people_and_plans_does_not_matter(cost):
    here, plans, people = crowd(), torch.tensor([3, 0, 4, 1, 2]), torch.tensor([3, 1, 0, 2])
    mixed = replace(
        here,
        actions=here.actions[:, plans],
        ego=here.ego[:, plans],
        people=here.people[:, plans][:, :, people],
        exists=here.exists[:, people],
        reach=here.reach[:, people],
    )
    torch.testing.assert_close(cost(mixed), cost(here)[:, plans])


def test_weights_add_up():
    here = crowd()
    total = Weighted({"a": Progress(), "b": Clearance()}, {"a": 2.0, "b": 0.5})(here)
    torch.testing.assert_close(total, 2.0 * Progress()(here) + 0.5 * Clearance()(here))


def test_a_weight_of_zero_leaves_a_term_out():
    def never(imagined):
        raise AssertionError("judged although its weight is 0")

    here = crowd()
    torch.testing.assert_close(Weighted({"a": Progress(), "b": never}, {"a": 1.0, "b": 0.0})(here), Progress()(here))
    assert torch.equal(Weighted({"b": never}, {"b": 0})(here), torch.zeros(3, 5))


@pytest.mark.parametrize("weights", [{"a": 1.0, "b": 1.0}, {}, {"progress": 1.0}])
def test_names_that_do_not_match_are_refused(weights):
    with pytest.raises(ValueError, match=r"cost terms \['a'\] and weights"):
        Weighted({"a": Progress()}, weights)
