"""People who prefer a side: laws of the turn, and which side they then pass on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import HeadOn, RandomCrossing
from jepa_social.worlds.sides import turn_aside

LEFT, RIGHT = (Population(side_angle=0.5, side_share=share) for share in (1.0, 0.0))
FLIP = torch.tensor([1.0, -1.0], dtype=torch.float64)


def straight_on(world: Crowd, seeds, steps=28, mirrored=False) -> Scene:
    """The ego walks straight to its goal; `mirrored`: in the mirror image of the scenes, among the other culture."""
    scene = world.reset(seeds)
    if mirrored:
        people = world._people
        world._people = replace(people, goals=people.goals * FLIP, side=-people.side)
        world._position = world._position * FLIP
    for _ in range(steps):
        assert scene.goal is not None
        goal = world._people.goals[:, 0, 0]
        to = goal - world._position[:, 0]
        scene = world.step(to / to.norm(dim=-1, keepdim=True).clamp(min=1.0))
    return world.history()


@pytest.mark.parametrize("forced", [0.0, 1.0])
@pytest.mark.parametrize("left", [True, False])
def test_people_pass_an_ego_that_walks_straight_on_on_their_side(left, forced):
    population = replace(LEFT if left else RIGHT, social_force=forced)
    run = straight_on(Crowd(HeadOn(), 1, population, visible=True), range(40))
    gap = run.position[:, 1] - run.position[:, 0]
    passing = gap.norm(dim=-1).argmin(-1)
    aside = gap[torch.arange(40), passing, 1]
    assert ((aside < 0) == left).float().mean() > 0.9


def test_people_whom_nobody_comes_towards_walk_as_if_they_had_no_side():
    plain, sided = (straight_on(Crowd(HeadOn(), 1, p, visible=False), [3, 8]) for p in (Population(), LEFT))
    for run in (plain, sided):
        way = run.position[:, 1, 1:] - run.position[:, 1, :1]
        off = way[..., 0] * way[:, -1:, 1] - way[..., 1] * way[:, -1:, 0]
        assert float(off.abs().max()) < 1e-3, "straight lines"


@pytest.mark.parametrize("forced", [0.0, 1.0])
def test_the_mirror_image_with_the_other_side_is_the_mirrored_episode(forced):
    population = replace(LEFT, social_force=forced, side_share=0.6)
    one = straight_on(Crowd(HeadOn(both=True), 3, population, visible=True), range(6))
    other = straight_on(Crowd(HeadOn(both=True), 3, population, visible=True), range(6), mirrored=True)
    torch.testing.assert_close(other.position[:, :, 1:], one.position[:, :, 1:] * FLIP.float(), rtol=0, atol=1e-4)


def test_turns_know_no_place_and_no_direction():
    torch.manual_seed(0)
    position, velocity = torch.randn(2, 5, 6, 2).double().unbind(0)
    position = 3 * position
    side, seen = 0.5 * torch.randn(5, 6).sign().double(), torch.rand(5, 6) < 0.8
    turn = turn_aside(position, velocity, side, seen)
    assert (turn != 0).any()
    assert (turn.abs() <= 0.5).all()
    assert (turn * side >= 0).all()
    angle = torch.tensor(0.7).double()
    spin = torch.stack((torch.stack((angle.cos(), angle.sin())), torch.stack((-angle.sin(), angle.cos()))))
    moved = turn_aside(position @ spin + 4.0, velocity @ spin, side, seen)
    torch.testing.assert_close(moved, turn)
    order = torch.randperm(6)
    torch.testing.assert_close(
        turn_aside(position[:, order], velocity[:, order], side[:, order], seen[:, order]), turn[:, order]
    )


def test_nobody_has_a_side_unless_asked_and_then_other_traits_stay():
    one, other = np.random.default_rng(0), np.random.default_rng(0)
    plain, sided = Population().sample(one, 50), LEFT.sample(other, 50)
    assert not plain.side.any()
    assert (sided.side == 0.5).all()
    np.testing.assert_array_equal(plain.social_force, sided.social_force)
    one.random(50)
    assert one.random() == other.random(), "sides alone are drawn besides: other worlds stay as they were"
    assert (RIGHT.sample(other, 50).side == -0.5).all()


def test_an_episode_is_the_same_alone_and_in_a_batch():
    scenarios = [HeadOn(both=True), RandomCrossing()]
    together = straight_on(Crowd(scenarios, (1, 5), LEFT, visible=True), range(6))
    alone = straight_on(Crowd(scenarios, (1, 5), LEFT, visible=True), [4])
    torch.testing.assert_close(together.position[4, : alone.agents], alone.position[0], rtol=0, atol=1e-5)
    assert together.truth is not None
    assert (together.truth["side"][:, 1:] == 0.5)[together.present[:, 1:, 0]].all()


@pytest.mark.parametrize("wrong", [{"side_angle": -0.1}, {"side_angle": 2.0}, {"side_share": 1.5}])
def test_a_side_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="side_angle"):
        Population(**wrong)
