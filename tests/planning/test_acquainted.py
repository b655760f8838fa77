"""Act, observe, compare, update: a coin tells the ego's doing from everything else."""

import pytest
import torch

from jepa_social.evaluation.answers import Answers, walk_among
from jepa_social.mind.regard import Regard
from jepa_social.planning.acquainted import Acquainted, compare
from jepa_social.planning.costs import Imposition, SocialReward
from jepa_social.planning.dynamics import ConstantVelocity, People
from jepa_social.planning.reactive import Orca, StraightLine
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import RandomCrossing
from tests.planning.futures import crowd as imagined_crowd

SEEDS = range(2_000_000, 2_000_006)


class Pushed(ConstantVelocity):
    """People are expected to be moved by a tenth of what the ego moves."""

    def roll(self, people: People, actions: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        moved = torch.cat((torch.zeros_like(actions[:, :, :1]), actions.cumsum(2)), dim=2) * self.dt
        return super().roll(people, actions, dt) + 0.1 * moved[:, :, None]


def world(visible: bool = True, share: float = 1.0) -> Crowd:
    return Crowd(RandomCrossing(), people=(2, 4), population=Population(share_mean=share, share_std=0), visible=visible)


def ego(nudge: float = 0.8, **settings) -> Acquainted:
    return Acquainted(Orca(margin=0.15), Pushed(0.25), Regard(), nudge=nudge, **settings)


def test_a_coin_moves_the_ego_to_either_side_for_a_second():
    one = ego(seed=3)
    walk_among(one, world(), SEEDS, 4.0)
    assert len(one.comparisons) == 3, "the first second is only watched"
    plain, coin = Acquainted(StraightLine(), Pushed(0.25), Regard()), ego(seed=5)
    scene = world().reset(SEEDS)
    ahead = plain.act(scene)
    aside = coin.act(scene) - Orca(margin=0.15).act(scene)
    across = aside[:, 0] * ahead[:, 1] - aside[:, 1] * ahead[:, 0]
    assert len(across.sign().unique()) == 2, "six coins do not all fall alike"


def test_what_is_expected_of_a_coin_is_half_of_what_it_changes():
    one = ego(seed=1)
    walk_among(one, world(), SEEDS, 3.0)
    then, instead = list(one.seen), torch.stack(list(one.instead), dim=1)
    walked = then[-1].position[:, 0, -1] - then[0].position[:, 0, -1]
    found = compare(one.dynamics, then, instead, near=8)
    expected = (0.1 * (walked - 0.25 * instead.sum(1)) / 2)[:, None].expand_as(found.expected)
    assert torch.allclose(found.expected[found.known], expected[found.known], atol=1e-5)
    assert not found.known[:, 0].any(), "the ego is nobody else"


def test_people_who_do_not_see_the_ego_are_not_changed_by_it():
    blind = walk_among(ego(), world(visible=False), SEEDS, 6.0)
    assert len(blind.true) > 10
    assert blind.true.abs().max() == 0.0
    assert blind.slope == 0.0
    assert walk_among(ego(), world(), SEEDS, 6.0).true.abs().max() > 0.005


def test_scores_are_zero_for_who_is_right():
    expected = torch.randn(40, 2)
    right = Answers(expected, 2 * expected, torch.arange(40) % 4)
    assert right.slope == pytest.approx(2.0)
    assert max(abs(v).max() for v in right.columns(2.0).values()) < 1e-5
    assert right.columns(3.0)["answer_bias"].min() > 0
    assert right.columns(1.0)["answer_bias"].max() < 0
    assert right.columns(0.0)["answer_error"].shape == (4,)


def test_the_loop_can_be_cut():
    loop, still, sure = ego(), ego(learns=False), ego(compares=False)
    for one in (loop, still, sure):
        walk_among(one, world(), SEEDS, 6.0)
    assert still.regard.people_at_large == 1.0
    assert sure.regard.people_at_large == pytest.approx(1.0, abs=1e-5)
    assert loop.regard.people_at_large != 1.0


def test_walks_are_the_same_again():
    one, other = (ego(seed=5) for _ in range(2))
    for walker in (one, other):
        walk_among(walker, world(), SEEDS, 5.0)
    assert one.regard.people_at_large == other.regard.people_at_large


def test_another_time_step_is_refused():
    scene = Crowd(RandomCrossing(), people=2, dt=0.1).reset([2_000_000])
    with pytest.raises(ValueError, match="let the world step"):
        ego().act(scene)


def test_expected_disapproval_is_imposition_by_how_much_people_mind():
    future = imagined_crowd()
    cost = SocialReward()
    plain = cost(future)
    assert torch.allclose(plain, Imposition()(future)), "until somebody says what they are like"
    place = future.people[:, 0, :, 0].flip(1)  # in any order
    cost.believe(place, torch.full(place.shape[:2], 2.0))
    assert torch.allclose(cost(future), 2 * plain)
    cost.believe(place, torch.zeros(place.shape[:2]))
    assert (cost(future) == 0).all()
    minds = torch.zeros(place.shape[:2])
    minds[:, -1] = 1.0  # the first person only
    cost.believe(place, minds)
    only = cost(future)
    assert (only > 0).all()
    assert (only <= plain).all()
