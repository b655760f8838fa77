import pytest
import torch

from jepa_social.planning.dynamics import ConstantVelocity
from jepa_social.planning.oracle import Oracle, Simulated
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.scenarios import CircleCrossing
from tests.planning.test_baselines import built


def under_way(visible: bool) -> Crowd:
    world = Crowd(CircleCrossing(), (3, 5), visible=visible)
    world.reset(range(3))
    for _ in range(14):
        world.step(torch.tensor([[0.0, 0.5]]).expand(3, -1))
    return world


@pytest.mark.parametrize("visible", [True, False])
def test_what_it_foresees_comes_true(visible):
    world = under_way(visible)
    scenes, horizon = [2, 0], 8
    dynamics = Simulated(world)
    dynamics.scenes = scenes
    scene = world.scene()[torch.tensor(scenes)].nearest(10)
    people = dynamics.prepare(scene, 3)
    plans = torch.randn(2, 4, horizon, 2, generator=torch.Generator().manual_seed(0)) * 0.5
    foreseen = dynamics.roll(people, plans, scene.dt)
    assert foreseen.shape == (2, 4 if visible else 1, 3, horizon + 1, 2)
    before = world.scene().position.clone()
    for plan in range(foreseen.shape[1]):
        real = world.branch(1, scenes)
        for step in range(horizon):
            real.step(plans[:, plan, step])
        run = real.scene(horizon + 1)
        away = torch.cdist(foreseen[:, plan, :, 0], run.position[:, :, 0])
        truth = run.position.gather(1, away.argmin(-1)[..., None, None].expand(-1, -1, horizon + 1, 2))
        torch.testing.assert_close(foreseen[:, plan][people.exists], truth[people.exists])
    assert torch.equal(world.scene().position, before), "the world itself has not moved"
    if visible:
        assert (foreseen[:, 0] - foreseen[:, 1]).abs().max() > 0.01, "people see the ego"
    else:
        torch.testing.assert_close(dynamics.absent(people, horizon, scene.dt), foreseen[:, 0])


def test_without_the_ego_people_go_another_way():
    world = under_way(True)
    dynamics = Simulated(world)
    dynamics.scenes = [0, 1, 2]
    scene = world.scene().nearest(10)
    people = dynamics.prepare(scene, 5)
    still = dynamics.roll(people, torch.zeros(3, 1, 10, 2), scene.dt)[:, 0]
    assert (still - dynamics.absent(people, 10, scene.dt)).abs().max() > 0.01


def test_without_reaction_it_counts_on_the_future_without_the_ego():
    world = under_way(True)
    blind, seeing = Simulated(world, reactive=False), Simulated(world)
    scene = world.scene().nearest(10)
    plans = torch.randn(3, 4, 10, 2, generator=torch.Generator().manual_seed(0)) * 0.5
    paths = []
    for dynamics in (blind, seeing):
        dynamics.scenes = [0, 1, 2]
        people = dynamics.prepare(scene, 5)
        paths.append(dynamics.roll(people, plans, scene.dt))
        torch.testing.assert_close(paths[0][:, 0], dynamics.absent(people, 10, scene.dt))
    assert [path.shape[1] for path in paths] == [1, 4]
    policy = built("oracle_blind", world)
    assert isinstance(policy, Oracle)
    assert (policy.name, policy.dynamics.reactive) == ("oracle MPC without reaction", False)


def test_it_keeps_to_the_scenes_that_go_on():
    world = under_way(False)
    policy = built("oracle", world)
    scene = world.scene()
    first = policy.act(scene)
    world.step(first)
    going = torch.tensor([False, True, True])
    policy.keep(going)
    rest = policy.act(world.scene()[going])
    companions = built("oracle", under_way(False))
    companions.act(scene)
    companions.dynamics.world.step(first)
    torch.testing.assert_close(rest, companions.act(companions.dynamics.world.scene())[1:])


def test_another_moment_is_refused():
    world = under_way(False)
    old = world.scene()
    world.step(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="the moment its world is in"):
        built("oracle", world).act(old)
    planner = built("constant_velocity", world)
    assert isinstance(planner.dynamics, ConstantVelocity)
    with pytest.raises(ValueError, match="Simulated"):
        Oracle(planner)
