"""How a planner expects people to move."""

from itertools import pairwise

import pytest
import torch

from jepa_social.planning.dynamics import ConstantVelocity, Imagination, people_near
from jepa_social.scene import KINDS, Scene
from tests.conftest import random_scene
from tests.planning.strolls import street, world_model


@pytest.fixture(scope="module")
def speaking():
    return world_model(dt=0.4, speak=True)


def ordered(scene: Scene) -> Scene:
    """All agents, the ego first and the nearest next."""
    return scene.nearest(scene.agents)


@pytest.fixture
def plans() -> torch.Tensor:
    return torch.randn(3, 6, 5, 2, generator=torch.Generator().manual_seed(2))


def test_the_nearest_are_the_nearest_and_never_the_ego_or_the_absent():
    scene = street([(3.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0)])
    scene.present[:, 3, -1] = False
    for seen in (scene, scene.permute(torch.tensor([2, 3, 0, 4, 1]))):  # the ego need not be the first
        people = people_near(seen.nearest(3), 2)
        assert people.exists.all()
        torch.testing.assert_close(people.position, torch.tensor([[[1.0, 0.0], [2.0, 0.0]]]))


def test_where_there_are_fewer_people_than_asked_for_the_rest_does_not_exist():
    scene = street([(3.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)])
    assert people_near(ordered(scene), 8).exists.tolist() == [[True, True]]
    people = people_near(scene.pad(12).nearest(9), 8)
    assert people.exists.tolist() == [[True, True] + 6 * [False]]
    torch.testing.assert_close(people.position[0, :2, 0], torch.tensor([1.0, 3.0]))
    assert people_near(ordered(street([])), 8).exists.shape == (1, 0)


def test_constant_velocity_is_a_straight_line(plans):
    scene = random_scene()
    people = ConstantVelocity(0.4).prepare(ordered(scene), 3)
    path = ConstantVelocity(0.4).roll(people, plans, scene.dt)
    assert path.shape == (3, 1, 3, 6, 2)
    torch.testing.assert_close(path[:, 0, :, 0], people.position)
    for k in range(6):
        torch.testing.assert_close(path[:, 0, :, k], people.position + k * 0.4 * people.velocity)


@pytest.mark.parametrize("reactive", [True, False])
def test_an_untrained_readout_says_constant_velocity(reactive, plans):
    scene = random_scene()
    imagination = Imagination(world_model(dt=0.4), reactive)
    people = imagination.prepare(ordered(scene), 4)
    path = imagination.roll(people, plans, scene.dt)
    assert path.shape == (3, 6 if reactive else 1, 4, 6, 2)
    straight = (
        ConstantVelocity(0.4).roll(ConstantVelocity(0.4).prepare(ordered(scene), 4), plans, scene.dt).expand(path.shape)
    )
    there = people.exists[:, None, :, None, None].expand(path.shape)
    torch.testing.assert_close(path[there], straight[there])


def test_people_react_to_the_plan_only_where_they_may(speaking, plans):
    scene = random_scene()
    for reactive in (True, False):
        imagination = Imagination(speaking, reactive)
        path = imagination.roll(imagination.prepare(ordered(scene), 4), plans, scene.dt)
        other = imagination.roll(imagination.prepare(ordered(scene), 4), -plans, scene.dt)
        assert ((path - other).abs().max() > 1e-3) == reactive
        assert torch.equal(path[..., :2, :], other[..., :2, :]) or reactive


def test_a_change_that_is_read_now_and_then_runs_straight_in_between(speaking):
    scene = random_scene()
    plans = torch.randn(3, 6, 7, 2, generator=torch.Generator().manual_seed(2))
    exact, seldom, blind = (
        imagination.roll(imagination.prepare(ordered(scene), 4), plans, scene.dt)
        for imagination in (Imagination(speaking), Imagination(speaking, every=3), Imagination(speaking, False))
    )
    assert seldom.shape == exact.shape
    read = [0, 3, 6, 7]
    torch.testing.assert_close(seldom[..., read, :], exact[..., read, :], atol=1e-5, rtol=1e-4)
    change = seldom - blind
    for before, after in pairwise(read):
        for step in range(before, after):
            straight = torch.lerp(change[..., before, :], change[..., after, :], (step - before) / (after - before))
            torch.testing.assert_close(change[..., step, :], straight, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(seldom[..., 5, :], exact[..., 5, :], atol=1e-5), "it is an approximation"
    with pytest.raises(ValueError, match=r"planner\.react_every=0"):
        Imagination(speaking, every=0)


@pytest.mark.parametrize("every", [1, 2, 4])
def test_a_reaction_is_read_as_far_as_asked_and_stays(speaking, every):
    scene = random_scene()
    plans = torch.randn(3, 6, 7, 2, generator=torch.Generator().manual_seed(2))
    until = 4 * speaking.dt
    whole, held, blind = (
        imagination.roll(imagination.prepare(ordered(scene), 4), plans, scene.dt)
        for imagination in (
            Imagination(speaking, every=every),
            Imagination(speaking, every=every, until=until),
            Imagination(speaking, False),
        )
    )
    torch.testing.assert_close(held[..., :5, :], whole[..., :5, :], atol=1e-5, rtol=1e-4)
    last = (held - blind)[..., 4:5, :]
    assert last.abs().max() > 1e-3
    torch.testing.assert_close((held - blind)[..., 4:, :], last.expand(-1, -1, -1, 4, -1), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(held[..., -1, :], whole[..., -1, :], atol=1e-5)
    with pytest.raises(ValueError, match=r"planner\.react_until=0\.0"):
        Imagination(speaking, until=0.0)


def test_without_reaction_people_go_where_the_forecast_says(speaking, plans):
    scene = random_scene(gaps=False)
    imagination = Imagination(speaking, reactive=False)
    people = imagination.prepare(ordered(scene), 4)
    path = imagination.roll(people, plans, scene.dt)[:, 0, :, 1:]
    forecast = speaking.forecast(ordered(scene), 5)[:, 1:5]
    torch.testing.assert_close(path[people.exists], forecast[people.exists], atol=1e-4, rtol=1e-4)


def test_who_fills_an_empty_slot_cannot_be_seen(speaking, plans):
    imagination, whole = Imagination(speaking), random_scene()
    for row in range(3):
        scene = whole[row : row + 1]
        paths = []
        for seen in (scene.permute(scene.present[0, :, -1].nonzero()[:, 0]), scene, scene.pad(9)):
            people = imagination.prepare(ordered(seen), 4)
            paths.append(imagination.roll(people, plans[:1], seen.dt).transpose(1, 2)[people.exists])
        torch.testing.assert_close(paths[1], paths[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(paths[2], paths[0], atol=1e-4, rtol=1e-4)


def test_one_preparation_serves_any_number_of_plans(speaking, plans):
    scene = random_scene()
    imagination = Imagination(speaking)
    people = imagination.prepare(ordered(scene), 4)
    together = imagination.roll(people, plans, scene.dt)
    for one in range(6):
        alone = imagination.roll(people, plans[:, one : one + 1], scene.dt)
        torch.testing.assert_close(alone, together[:, one : one + 1], atol=1e-5, rtol=1e-4)
    shorter = imagination.roll(people, plans[:, :, :3], scene.dt)
    torch.testing.assert_close(shorter, together[..., :4, :], atol=1e-5, rtol=1e-4)


def test_the_absent_are_neither_seen_nor_counted(speaking, plans):
    scene = random_scene()
    scene.present[:, 2, -3:] = False
    ghost = scene.clone()
    ghost.position[:, 2, -3:] = scene.position[:, 0, -3:] + 0.1
    for dynamics in (ConstantVelocity(0.4), Imagination(speaking)):
        paths = []
        for seen in (scene, ghost):
            people = dynamics.prepare(ordered(seen), 4)
            assert (people.exists.sum(1) == ordered(scene).present[:, 1:5, -1].sum(1)).all()
            there = people.exists[:, None, :, None, None]
            paths.append(dynamics.roll(people, plans, seen.dt) * there)
        assert torch.equal(*paths)


def test_what_people_take_the_ego_for(speaking, plans):
    scene = random_scene()
    taken = Imagination(speaking, ego_kind="robot")
    robot = scene.clone()
    robot.kind[:, 0] = KINDS.index("robot")

    def path(dynamics: Imagination, seen: Scene) -> torch.Tensor:
        return dynamics.roll(dynamics.prepare(ordered(seen), 4), plans, seen.dt)

    assert torch.equal(path(taken, scene), path(Imagination(speaking), robot))
    assert not torch.equal(path(taken, scene), path(Imagination(speaking), scene))
    assert (scene.kind == 0).all(), "the scene itself is left alone"
    with pytest.raises(ValueError, match=r"planner\.ego_kind=spaceship"):
        Imagination(speaking, ego_kind="spaceship")
