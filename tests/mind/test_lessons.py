"""Lessons: what lives learn of the people they met, each for itself."""

from dataclasses import replace

import pytest
import torch

from jepa_social.mind.lessons import Lessons, Memory, look_back, surprise
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from tests.conftest import random_scene

SMALL = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8)


def last_layer(model: WorldModel) -> torch.nn.Linear:
    last = model.motion.out[-1]
    assert isinstance(last, torch.nn.Linear)
    return last


@pytest.fixture(params=[None, 0.5], ids=["", "paced"])
def model(request) -> WorldModel:
    torch.manual_seed(0)
    model = WorldModel(SocialJEPA(SMALL), 0.4, 4, readout_hidden=12, readout_pace=request.param)
    model.eval().requires_grad_(False)
    torch.nn.init.normal_(last_layer(model).weight, std=0.3)
    return model


def run(seed: int = 0, lives: int = 3) -> Scene:
    return random_scene(lives, 5, 14, seed, gaps=False)


def bent(memory: Memory, model: WorldModel, to: float) -> Memory:
    """What came was what a last layer with other weights says: the first of them is `to` more."""
    other = torch.zeros(memory.lives, 3, 13)
    other[:, 1, 0] = to
    return replace(memory, truth=memory.motion(model.motion, other).position[:, 0])


def lessons_of(model: WorldModel, many: int = 3, **settings) -> Lessons:
    return Lessons(model.motion, many, look_back(model, run(100, 6)), **settings)


def lives(memory: Memory, index: list[int]) -> torch.Tensor:
    return torch.arange(len(memory.known)).view(-1, memory.lives)[:, index].flatten()


def test_a_memory_holds_what_the_model_forecasts_with_the_plan_as_it_was_walked_and_without(model):
    scene = run()
    memory = look_back(model, scene)
    seen = scene.between(0, 3)
    told = memory.motion(model.motion, None).position[:, 0]
    anchor = model.jepa.encode(seen).at()
    plan = scene.velocity[:, :1, 3:7]
    torch.testing.assert_close(told[:3], model.motion(anchor, model.jepa.imagine(anchor, plan)).position[:, 0])
    torch.testing.assert_close(told[3:6], model.motion(anchor, model.jepa.imagine(anchor, horizon=4)).position[:, 0])
    torch.testing.assert_close(memory.truth[3:6], scene.position[:, :, 3:7])
    assert not memory.known[:, 0].any(), "the ego is not foretold"
    assert not memory.meets[3:6].any()


def test_the_readout_says_what_was_learned(model):
    scene = run()
    model.motion.learned = 0.3 * torch.randn(3, 3, 13)
    anchor = model.jepa.encode(scene).at()
    told = model.motion(anchor, model.jepa.imagine(anchor, horizon=4)).position
    for life in range(3):
        alone = WorldModel(model.jepa, 0.4, 4, 12, model.motion.pace)
        alone.motion.load_state_dict(model.motion.state_dict())
        last = last_layer(alone)
        with torch.no_grad():
            last.weight += model.motion.learned[life, :, :-1]
            last.bias += model.motion.learned[life, :, -1]
        torch.testing.assert_close(
            told[life], alone.motion(anchor, alone.jepa.imagine(anchor, horizon=4)).position[life]
        )


def test_what_people_do_otherwise_is_learned_and_foretold_of_others(model):
    lessons = lessons_of(model, doubt=1e-6)
    for seed in range(4):
        lessons.learn(bent(look_back(model, run(seed)), model, 0.5))
    unseen = bent(look_back(model, run(9)), model, 0.5)
    unseen.meets = unseen.known.any(-1)
    before, after = (surprise(unseen, model.motion, learned)[0] for learned in (None, lessons.learned))
    assert (after < 0.1 * before).all()
    assert lessons.trusted.all()


def test_who_sees_what_was_expected_learns_nothing(model):
    lessons = lessons_of(model)
    lessons.learn(bent(look_back(model, run()), model, 0.0))
    torch.testing.assert_close(lessons.learned, torch.zeros(3, 3, 13))


def test_lives_learn_each_for_themselves_whoever_is_beside_them_and_in_whatever_order_and_place(model):
    together, alone, moved = lessons_of(model), lessons_of(model, 1), lessons_of(model)
    for seed in range(2):
        scene = run(seed)
        together.learn(look_back(model, scene))
        alone.learn(look_back(model, scene[[1]]))
        order = torch.tensor([0, 3, 1, 4, 2])
        elsewhere = scene.permute(order).transform(0.8, (3.0, -2.0)).pad(7)
        moved.learn(look_back(model, elsewhere))
    torch.testing.assert_close(together.learned[1:2], alone.learned, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(together.learned, moved.learned, rtol=1e-3, atol=1e-4)


def test_a_lesson_that_makes_forecasts_worse_is_taken_back_life_by_life(model):
    lessons = lessons_of(model, doubt=1e-6, judged=1)
    lessons.learn(bent(look_back(model, run(0)), model, 0.5))
    assert lessons.trusted.all()
    wrong, right = (bent(look_back(model, run(1)), model, to) for to in (0.0, 0.5))
    first = lives(wrong, [0])
    wrong.truth[first] = right.truth[first]
    lessons.learn(wrong)
    assert lessons.trusted.tolist() == [True, False, False]
    assert lessons.learned[0].any()
    assert not lessons.learned[1:].any()


def test_a_run_without_an_ego_teaches_too(model):
    scene = run()
    scene.ego = torch.full_like(scene.ego, -1)
    memory = look_back(model, scene)
    assert memory.known.all()
    assert not memory.meets.any()
    assert surprise(memory, model.motion, None)[0].isnan().all(), "nobody was met"
    lessons = lessons_of(model)
    lessons.learn(memory)
    assert lessons.learned.any()


@pytest.mark.parametrize(("frames", "dt", "reason"), [(6, 0.4, "too short"), (14, 0.25, "let the world step")])
def test_a_run_that_cannot_be_looked_back_at_is_refused(model, frames, dt, reason):
    scene = random_scene(2, 3, frames, gaps=False)
    scene.dt = torch.full_like(scene.dt, dt)
    with pytest.raises(ValueError, match=reason):
        look_back(model, scene)
