"""What costs may ask beyond the expected future: sampled intents, the ego's absence, the human policy."""

from copy import deepcopy

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.mind.motion import spread
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.planning.dynamics import ConstantVelocity, Imagination
from jepa_social.planning.outlook import on_request
from jepa_social.scene import KINDS, Scene
from tests.conftest import random_scene
from tests.planning.strolls import planner_config, world_model
from tests.planning.test_mpc import TIGHT, crowd, three


@pytest.fixture(scope="module")
def speaking():
    model = world_model(dt=0.4, speak=True)
    torch.nn.init.normal_(model.motion.code.weight, std=3.0)
    return model


@pytest.fixture
def plans() -> torch.Tensor:
    return torch.randn(3, 6, 5, 2, generator=torch.Generator().manual_seed(2))


def ordered(scene: Scene) -> Scene:
    """All agents, the ego first and the nearest next."""
    return scene.nearest(scene.agents)


def every_cost(kind: str):
    """The planner with every term of the config on, and risk."""
    config = planner_config()
    config.cost.weights.update(dict.fromkeys(config.cost.weights, 0.5))
    config.cost.risk.update(alpha=0.5, draws=3)
    if kind == "constant velocity":
        return constant_velocity_planner(config, 0.25)
    return jepa_planner(world_model(0.25, speak=kind == "speaking model"), config)


@pytest.mark.parametrize("reactive", [True, False])
def test_each_sample_is_a_future_under_one_intent(speaking, plans, reactive):
    scene, draws = random_scene(gaps=False), 7
    imagination = Imagination(speaking, reactive)
    people = imagination.prepare(ordered(scene), 4)
    sampled = imagination.sample(people, plans, scene.dt, draws)
    assert sampled.position.shape == (3, 6 if reactive else 1, draws, 4, 6, 2)
    assert sampled.scale.shape == (3, 6 if reactive else 1, draws, 4, 5)
    assert (sampled.scale > 0).all()
    torch.testing.assert_close(sampled.position[:, 0, 0, :, 0], people.position)
    assert torch.equal(sampled.position, imagination.sample(people, plans, scene.dt, draws).position)
    jepa = speaking.jepa
    anchor = jepa.encode(ordered(scene)).at()
    off, rows = [], plans.shape[1] if reactive else 1
    for code in range(jepa.config.intents):  # each person's sample is what that person does under some code
        intent = torch.full((3, rows, 5), code)
        alone = jepa.imagine(anchor, plans if reactive else None, 5, intent=intent)
        path = speaking.motion(anchor, alone, intent).position[:, :, None, 1:]
        off.append((path - sampled.position[..., 1:, :]).abs().amax((-1, -2)))
    off = torch.stack(off)
    assert off.amin(0).max() < 1e-4
    assert off.max() > 0.05, "intents differ"


@pytest.mark.parametrize(("every", "until"), [(1, None), (4, None), (1, 1.2), (2, 1.2)])
def test_samples_hold_the_reactions_of_the_expected_future(speaking, plans, every, until):
    scene = random_scene(gaps=False)
    told, free = Imagination(speaking, every=every, until=until), Imagination(speaking, reactive=False)
    sampled, calm = (one.sample(one.prepare(ordered(scene), 4), plans, scene.dt, 5) for one in (told, free))
    change = (sampled.position - calm.position)[..., 1:, :]
    assert change[..., 2, :].abs().max() > 1e-3
    if until is not None:
        torch.testing.assert_close(change[..., 2:, :], change[..., 2:3, :].expand(-1, -1, -1, -1, 3, -1))
        growth = (sampled.scale / calm.scale)[..., 2:]
        torch.testing.assert_close(growth, growth[..., :1].expand(growth.shape))
    alike = deepcopy(speaking)  # all intents are one, and it changes nothing
    torch.nn.init.zeros_(alike.jepa.intents.bend.weight)
    torch.nn.init.zeros_(alike.motion.code.weight)
    dull = Imagination(alike, every=every, until=until)
    people = dull.prepare(ordered(scene), 4)
    expected = dull.roll(people, plans, scene.dt)[:, :, None]
    position = dull.sample(people, plans, scene.dt, 5).position
    torch.testing.assert_close(position, expected.expand(position.shape), atol=1e-5, rtol=1e-5)


def test_without_intents_there_is_one_future(plans):
    scene = random_scene()
    for dynamics in (ConstantVelocity(0.4), Imagination(world_model(dt=0.4))):
        people = dynamics.prepare(ordered(scene), 4)
        sampled, expected = dynamics.sample(people, plans, scene.dt, 3), dynamics.roll(people, plans, scene.dt)
        there = people.exists[:, None, None, :, None, None].expand(sampled.position.shape)
        torch.testing.assert_close(sampled.position[there], expected[:, :, None].expand(there.shape)[there])
        lag = 0.4 * torch.arange(1, 6)
        torch.testing.assert_close(sampled.scale, spread(lag).expand(sampled.scale.shape))


def test_absence_is_what_is_imagined_of_a_scene_that_the_ego_has_just_left(speaking, plans):
    scene = random_scene(gaps=False)
    imagination = Imagination(speaking)
    people = imagination.prepare(ordered(scene), 4)
    absent = imagination.absent(people, 5, scene.dt)
    seen = ordered(scene)
    seen.present[:, 0, -1] = False
    seen.ego[:] = -1
    latents = speaking.jepa.encode(seen)
    imagined = speaking.jepa.imagine(latents, horizon=5)
    expected = speaking.motion(latents.at(), imagined).position[:, 0, 1:]
    torch.testing.assert_close(absent[..., 1:, :], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(absent[..., 0, :], people.position)
    elsewhere = ordered(scene)
    elsewhere.position[:, 0, -1] += 1.0
    elsewhere.velocity[:, 0, -1] *= -1.0
    other = imagination.absent(imagination.prepare(elsewhere, 4), 5, scene.dt)
    torch.testing.assert_close(other, absent)
    assert imagination.absent(people, 3, scene.dt).shape[2] == 4


def test_absence_is_of_what_people_take_the_ego_for():
    """An encoder of two blocks remembers who was there a frame ago, and what it was."""
    scene, model = ordered(random_scene(gaps=False)), world_model(dt=0.4, speak=True, depth=2)
    robot = scene.clone()
    robot.kind[:, 0] = KINDS.index("robot")
    taken, plain = Imagination(model, ego_kind="robot"), Imagination(model)
    rows = ((taken, scene), (plain, robot), (plain, scene))
    left, told, otherwise = (one.absent(one.prepare(seen, 4), 5, scene.dt) for one, seen in rows)
    assert torch.equal(left, told)
    assert not torch.equal(left, otherwise)


def test_the_human_policy_is_the_forecast_of_the_ego(speaking):
    scene = ordered(random_scene(gaps=False))
    imagination = Imagination(speaking)
    human = imagination.human(imagination.prepare(scene, 4), 5, scene.dt)
    latents = speaking.jepa.encode(scene)
    motion = speaking.motion(latents.at(), speaking.jepa.imagine(latents, horizon=5))
    torch.testing.assert_close(human.position, motion.position[:, 0, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(human.scale, motion.scale[:, 0, 0], atol=1e-4, rtol=1e-4)
    straight = ConstantVelocity(0.4)
    human = straight.human(straight.prepare(scene, 4), 5, scene.dt)
    torch.testing.assert_close(human.position[:, 4], scene.position[:, 0, -1] + 2.0 * scene.velocity[:, 0, -1])


def test_answers_are_worked_out_once(speaking, plans):
    scene = random_scene()
    imagination = Imagination(speaking)
    people = imagination.prepare(ordered(scene), 4)
    asked = on_request(imagination, people, plans, scene.dt)
    assert asked.sampled(3) is asked.sampled(3)
    assert asked.absent() is on_request(imagination, people, -plans, scene.dt).absent()
    assert asked.human() is asked.human()


@pytest.mark.parametrize("kind", ["constant velocity", "speaking model"])
def test_a_planner_with_every_cost_keeps_the_laws(kind):
    scene, policy = crowd(), every_cost(kind)
    command = three(policy, scene)
    assert command.isfinite().all()
    turned = three(policy, scene.transform(-0.7, (3.0, -7.0)))
    torch.testing.assert_close(turned, rotate(command, torch.tensor(-0.7)), **TIGHT)
    torch.testing.assert_close(three(policy, scene.pad(9)), command, **TIGHT)
    torch.testing.assert_close(three(policy, scene.permute(torch.tensor([3, 5, 0, 1, 4, 2]))), command, **TIGHT)
    torch.testing.assert_close(three(policy, scene[2:3]), command[2:3], **TIGHT)


def test_with_every_cost_too_planners_differ_in_nothing_but_their_dynamics():
    """An untrained readout extrapolates: whatever a cost asks, both dynamics answer alike."""
    scene = crowd()
    torch.testing.assert_close(
        three(every_cost("untrained model"), scene), three(every_cost("constant velocity"), scene), **TIGHT
    )
