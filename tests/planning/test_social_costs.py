"""Costs of being among people on hand-made futures: what a pencil gives, and what is worse than what."""

import math
from dataclasses import replace

import pytest
import torch

from jepa_social.geometry import time_to_touch
from jepa_social.planning.costs import (
    AsymmetricSpace,
    CollisionProbability,
    GroupSplitting,
    HumanAnchor,
    Imposition,
    Legibility,
    TimeToCollision,
)
from jepa_social.planning.imagined import Human, Imagined, Sampled
from tests.planning.futures import DT, STEPS, future, told


def is_close(cost: torch.Tensor, value: float) -> None:
    torch.testing.assert_close(cost, torch.tensor([[value]]), atol=1e-5, rtol=1e-5)


def beside(person: tuple[float, float], walking=((1.0, 0.0),)) -> float:
    """Kirby's cost of walking at the same velocity as somebody who is at `person` relative to the ego."""
    return float(AsymmetricSpace()(future((1.0, 0.0), people=(person,), walking=walking)))


def test_kirbys_space_is_a_gaussian_of_its_own_width_on_each_side():
    assert beside((-1.0, 0.0)) == pytest.approx(math.exp(-0.5 * (1.0 / 2.0) ** 2), abs=1e-5)  # the ego is 1 m ahead
    assert beside((1.0, 0.0)) == pytest.approx(math.exp(-0.5 * (1.0 / 1.0) ** 2), abs=1e-5)  # behind
    assert beside((0.0, 1.0)) == pytest.approx(math.exp(-0.5 * (1.0 / (4 / 3)) ** 2), abs=1e-5)
    assert beside((0.0, 1.0)) == beside((0.0, -1.0))
    assert beside((-1.0, 0.0)) > beside((0.0, 1.0)) > beside((1.0, 0.0))
    assert beside((0.0, 0.0)) == pytest.approx(1.0)


def test_somebody_who_stands_has_no_front_in_kirbys_space():
    around = [AsymmetricSpace()(future(people=(p,))) for p in ((0.3, 0.0), (-0.3, 0.0), (0.0, 0.3))]
    for cost in around:
        is_close(cost, math.exp(-0.5 * (0.3 / (1 / 3)) ** 2))


def test_time_to_touch_of_discs():
    def time(offset, velocity, reach=0.6):
        return float(time_to_touch(torch.tensor(offset), torch.tensor(velocity), torch.tensor(reach)))

    assert time((2.6, 0.0), (-2.0, 0.0)) == pytest.approx(1.0)  # head on: 2 m of air at 2 m/s
    assert time((2.6, 0.0), (2.0, 0.0)) == math.inf
    assert time((2.6, 0.7), (-2.0, 0.0)) == math.inf  # it passes 0.1 m beside
    assert time((2.6, 0.0), (0.0, 0.0)) == math.inf
    assert time((0.5, 0.0), (1.0, 0.0)) == 0.0
    assert time((3.0, 0.36), (-1.0, 0.0)) == pytest.approx(3.0 - 0.48)  # Pythagoras: 0.6² = 0.48² + 0.36²


def test_time_to_collision_is_a_ramp_below_its_limit():
    cost = TimeToCollision(limit=1.0)
    meet = future((1.0, 0.0), people=((2.6, 0.0),), walking=((-1.0, 0.0),), steps=2)  # in 1 s and in 0.5 s
    is_close(cost(meet), (0.0 + 0.5) / 2)
    is_close(cost(future((1.0, 0.0), people=((2.6, 0.7),), walking=((-1.0, 0.0),), steps=2)), 0.0)
    is_close(cost(future(people=((0.1, 0.0),))), 1.0)


def surely(people: list[float], scale: float, exists=None) -> Imagined:
    """People who stand on the x axis under each intent, one person per entry; the ego stands at the origin."""
    here = future(people=tuple((x, 0.0) for x in people), exists=exists)
    sampled = Sampled(here.people[:, :, None], torch.full((1, 1, 1, len(people), STEPS), scale))
    return replace(here, on_request=told(sampled, here.absent(), here.human()))


def test_collision_probability_of_known_gaussians():
    cost = CollisionProbability()
    is_close(cost(surely([0.6], 0.2)), 0.5)
    is_close(cost(surely([0.8], 0.2)), 0.5 * math.erfc(1 / math.sqrt(2)))
    is_close(cost(surely([0.6, 0.6], 0.2)), 0.75)
    is_close(cost(surely([0.6, 0.6], 0.2, exists=[True, False])), 0.5)
    assert cost(surely([0.1], 0.01)) > 0.999
    assert cost(surely([2.0], 0.01)) < 1e-6


def test_collision_probability_is_the_share_of_intents_that_touch():
    here = future(people=((3.0, 0.0),))
    x = torch.tensor([0.3, 3.0, 3.0, 3.0]).view(1, 1, 4, 1, 1)
    position = torch.stack((x, torch.zeros_like(x)), dim=-1).expand(-1, -1, -1, -1, STEPS + 1, -1)
    sampled = Sampled(position, torch.full((1, 1, 4, 1, STEPS), 0.01))
    is_close(CollisionProbability()(replace(here, on_request=told(sampled, here.absent(), here.human()))), 0.25)


def test_imposition_is_the_distance_people_are_moved():
    here = future((1.0, 0.0), people=((3.0, 0.0), (0.0, 2.0), (1.0, 1.0)), exists=[True, True, False])
    is_close(Imposition(0.5)(here), 0.0)
    push = torch.tensor([0.2, 0.1, 7.0]).view(1, 3, 1, 1) * torch.tensor([0.0, 1.0])
    pushed = replace(here, people=here.people + push[:, None])
    is_close(Imposition(0.5)(pushed), (0.2 + 0.1) / 0.5)


def test_people_who_mind_nobody_are_not_imposed_on():
    here = future((1.0, 0.0), people=((1.0, 0.0),))
    three = replace(here, actions=here.actions.expand(-1, 3, -1, -1), ego=here.ego.expand(-1, 3, -1, -1))
    assert torch.equal(Imposition()(three), torch.zeros(1, 3))


def test_legibility_is_the_belief_that_softmax_gives():
    rational = Legibility(rivals=[90.0], rationality=1.5)
    is_close(rational(future()), 0.5)  # who stands shows nothing of two goals
    gone = [DT * k for k in range(1, STEPS + 1)]
    doubt = [1 / (1 + math.exp(1.5 * (g - (10.0 - math.hypot(10.0, g))))) for g in gone]
    weights = [STEPS - k for k in range(STEPS)]
    is_close(rational(future((1.0, 0.0))), sum(w * d for w, d in zip(weights, doubt, strict=True)) / sum(weights))


def test_the_more_a_plan_leans_from_other_goals_the_more_legible():
    one = Legibility(rivals=[90.0])
    straight, away, toward = (one(future(action)) for action in ((1.0, 0.0), (0.8, -0.6), (0.8, 0.6)))
    assert away < straight < toward
    assert Legibility()(future((-1.0, 0.0))) > 2 / 3 - 0.05


PAIR = ((1.0, 0.6), (1.0, -0.6))


def test_between_a_pair_is_worse_than_round_it():
    cost = GroupSplitting()
    through = future((1.0, 0.0), people=PAIR)
    is_close(cost(through), 1.0)
    is_close(cost(future((0.5, 0.6), people=PAIR)), 0.0)  # through either's place: other costs see to that
    is_close(cost(future((0.0, 1.0), people=PAIR)), 0.0)
    assert 0 < cost(future((1.0, 0.15), people=PAIR)) < 1


def test_who_walks_apart_or_otherwise_is_no_group():
    apart = future((1.0, 0.0), people=((1.0, 1.2), (1.0, -1.2)))
    is_close(GroupSplitting()(apart), 0.0)
    is_close(GroupSplitting(gap=2.5)(apart), 1.0)
    strangers = future((1.0, 0.0), people=PAIR, walking=((-0.3, 0.0), (0.3, 0.0)))
    is_close(GroupSplitting()(strangers), 0.0)
    assert GroupSplitting(drift=0.7)(strangers) > 0.3
    missing = future((1.0, 0.0), people=PAIR, exists=[True, False])
    is_close(GroupSplitting()(missing), 0.0)


def test_a_pair_that_walks_by_is_split_even_between_two_frames():
    met = future((1.0, 0.0), people=((1.5, 0.6), (1.5, -0.6)), walking=2 * ((-1.0, 0.0),), steps=2)
    is_close(GroupSplitting()(met), 1.0)  # at 0.75 s, when frames are at 0.5 s and 1 s
    assert torch.equal(GroupSplitting().pairs(met)[0], torch.ones(2, 2, dtype=torch.bool))


def test_the_anchor_is_half_the_squared_standardised_distance():
    here = future((0.0, 0.0))
    position = torch.tensor([0.3, 0.4]).expand(1, STEPS, 2)
    human = Human(position, torch.full((1, STEPS), 0.25))
    is_close(HumanAnchor()(replace(here, on_request=told(here.sampled(1), here.absent(), human))), 0.5 * 2.0**2)


def test_people_themselves_cost_one_by_the_anchor():
    plans = 4000
    here, noise = future(), torch.randn(1, plans, STEPS + 1, 2, generator=torch.Generator().manual_seed(0))
    sample = replace(here, actions=torch.zeros(1, plans, STEPS, 2), ego=noise)
    assert HumanAnchor()(sample).mean() == pytest.approx(1.0, abs=0.03)
