"""Intents: inferred by least energy, drawn jointly, with the prior's frequencies, whoever else is there."""

import pytest
import torch

from jepa_social.models.intents import draw_intents, every_intent, infer_intent, joint_energy, usage
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.journey import JOURNEY
from tests.conftest import random_scene


@pytest.fixture(scope="module")
def model() -> SocialJEPA:
    torch.manual_seed(0)
    return SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8, intents=5)).eval()


def test_each_code_imagines_another_future_and_none_the_expected(model):
    latents = model.encode(random_scene())
    codes = every_intent(5, latents.state)
    futures = model.imagine(latents, horizon=4, intent=codes)
    assert futures.shape == (3, 5, 5, 4, 16 + JOURNEY)
    distance = (futures[:, 1:] - futures[:, :1]).norm(dim=-1)
    assert (distance > 1e-3).all()
    assert model.imagine(latents, horizon=4).shape == (3, 1, 5, 4, 16 + JOURNEY)


def test_one_code_of_one_agent_leaves_the_others_futures_alone(model):
    latents = model.encode(random_scene())
    codes = every_intent(5, latents.state)[:, :1].clone()
    base = model.imagine(latents, horizon=4, intent=codes)
    codes[:, :, 2] = 3
    changed = model.imagine(latents, horizon=4, intent=codes)
    assert (changed[:, :, 2] != base[:, :, 2]).any()
    others = [0, 1, 3, 4]
    torch.testing.assert_close(changed[:, :, others], base[:, :, others])


def test_codes_go_with_plans(model):
    latents = model.encode(random_scene())
    plans = torch.randn(3, 5, 4, 2)
    codes = every_intent(5, latents.state)
    both = model.imagine(latents, plans, intent=codes)
    change = model.imagine(latents, plans) - model.imagine(latents, horizon=4)
    torch.testing.assert_close(both, model.imagine(latents, horizon=4, intent=codes) + change, atol=1e-5, rtol=1e-4)


def test_a_model_without_intents_says_so():
    plain = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8, intents=0))
    scene = random_scene()
    with pytest.raises(ValueError, match=r"model\.intents"):
        plain.imagine(plain.encode(scene), horizon=2, intent=torch.zeros(3, 1, 5, dtype=torch.long))


def test_the_code_of_least_energy_is_inferred_and_pays_for_surprise():
    energy = torch.tensor([[[1.0], [0.9], [3.0]]])
    prior = torch.tensor([[[0.9, 0.05, 0.05]]]).log()
    assert infer_intent(energy, prior, 0.0).item() == 1
    assert infer_intent(energy, prior, 1.0).item() == 0


def test_joint_energy_is_the_mean_of_the_scene_and_ignores_who_is_not_known():
    energy = torch.tensor([[[1.0, 3.0, 99.0], [2.0, 0.0, 99.0]]])
    known = torch.tensor([[True, True, False]])
    torch.testing.assert_close(joint_energy(energy, known, 1.0)[0, :, :2], torch.tensor([[2.0, 2.0], [1.0, 1.0]]))
    torch.testing.assert_close(joint_energy(energy, known, 0.0)[0, :, :2], energy[0, :, :2])


def test_draws_have_the_priors_frequencies_and_are_shared():
    prior = torch.tensor([[0.7, 0.2, 0.1]]).log().expand(1, 4, 3)
    drawn = draw_intents(prior, 20_000, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn[0, :, 0], minlength=3) / 20_000
    torch.testing.assert_close(share, torch.tensor([0.7, 0.2, 0.1]), atol=0.015, rtol=0)
    assert (drawn == drawn[:, :, :1]).all(), "who finds the same codes likely draws the same"
    alone = draw_intents(prior[:, :1], 20_000, torch.Generator().manual_seed(0))
    assert (alone[..., 0] == drawn[..., 0]).all(), "no draw depends on who else is there"


def test_usage_is_a_histogram_of_those_known():
    intent, known = torch.tensor([0, 0, 1, 2]), torch.tensor([True, True, True, False])
    torch.testing.assert_close(usage(intent, 4, known), torch.tensor([2 / 3, 1 / 3, 0, 0]))
