"""Losses of forecasts: what is best alone and together, honest scales, and people who keep apart."""

import pytest
import torch

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.stages.futures import APART, Futures, crowding, displacement, gaussian, over_agents, pick
from jepa_social.stages.noise import Noise
from jepa_social.stages.rollouts import draw_rollouts
from tests.conftest import random_scene

ENERGY = torch.tensor([[[1.0, 5.0, 9.0], [3.0, 2.0, 9.0]]])
"""Two codes (rows): agent 0 errs by 1 and 3 m, agent 1 by 5 and 2 m; the third agent is not known."""
KNOWN = torch.tensor([[True, True, False]])


@pytest.mark.parametrize(("joint", "likely"), [(0.0, [0, 1]), (1.0, [1, 1]), (0.5, [0, 1]), (0.9, [1, 1])])
def test_the_best_code_is_sought_alone_and_together(joint, likely):
    picked = pick(ENERGY, KNOWN, joint)
    assert picked.codes[0, 0, :2].tolist() == [0, 1]
    assert picked.codes[0, 1, :2].tolist() == [1, 1]
    assert picked.likely[0, 0, :2].tolist() == likely


def test_who_is_not_known_has_no_say():
    changed = ENERGY.clone()
    changed[:, 0, 2] = -100.0
    assert (pick(changed, KNOWN, 1.0).codes[0, 1, :2] == 1).all()


def test_displacement_is_a_mean_over_known_frames_then_over_agents():
    truth = torch.zeros(1, 2, 2, 2)
    path = torch.tensor([[[[3.0, 4.0], [0.0, 1.0]], [[0.0, 2.0], [9.0, 9.0]]]])[:, None]
    mask = torch.tensor([[[True, True], [True, False]]])
    error = displacement(path, truth, mask)
    torch.testing.assert_close(error, torch.tensor([[[3.0, 2.0]]]))
    assert over_agents(error, mask) == pytest.approx((5 + 1 + 2) / 3), "every frame counts once"


def _terms(loss: Futures, intents: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    size = {"width": 16, "depth": 1, "heads": 2, "predictor_width": 16, "reaction": 8}
    model = WorldModel(SocialJEPA(ModelConfig(**size, intents=intents)), dt=0.4, horizon=4)
    torch.nn.init.normal_(model.motion.out[-1].weight, std=0.3)
    scene = random_scene()
    rollouts = draw_rollouts(model.jepa.encode(scene.between(0, 8)), [7], 4, 1.0, scene)
    foreseen = model.jepa.foresee(rollouts.anchor, 4)
    imagined = model.jepa.imagine(rollouts.anchor, horizon=4, foreseen=foreseen)
    mask = rollouts.gather(scene.present) & rollouts.anchor.present[..., None]
    return loss(model, rollouts, (foreseen, imagined), rollouts.gather(scene.position), mask)


def test_the_loss_is_its_terms_by_weight():
    loss = Futures(best=0.5, joint=0.5, spare=0.1, surprise=0.2, apart=3.0)
    terms = _terms(loss, intents=6)
    total = terms["ade"] + 0.5 * terms["best"] + 0.2 * terms["surprise"] + 3.0 * terms["crowding"]
    torch.testing.assert_close(terms["loss"], total)
    plain = _terms(loss, intents=0)
    torch.testing.assert_close(plain["loss"], plain["ade"] + 0.2 * plain["surprise"] + 3.0 * plain["crowding"])


def test_the_best_of_many_is_no_worse_than_the_worst_of_few():
    """Without a spare code the best future is at least as near as the mean over codes."""
    sharp, blunt = _terms(Futures(spare=0.0, joint=0.0), 6), _terms(Futures(spare=1.0, joint=0.0), 6)
    assert sharp["best"] < blunt["best"]


def test_the_likeliest_scale_is_the_true_one():
    torch.manual_seed(0)
    truth = 0.7 * torch.randn(1, 4000, 1, 2)
    path, mask = torch.zeros(1, 1, 4000, 1, 2), torch.ones(1, 4000, 1, dtype=torch.bool)
    cost = {s: gaussian(path, torch.full((1, 1, 4000, 1), s), truth, mask) for s in (0.5, 0.7, 1.0)}
    assert min(cost, key=lambda s: cost[s]) == 0.7


def test_only_forecasts_that_come_too_near_are_pushed_apart_and_only_where_the_truth_did_not():
    mask = torch.ones(1, 2, 1, dtype=torch.bool)
    apart = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.0]]]])
    near = torch.tensor([[[[0.0, 0.0]], [[APART / 2, 0.0]]]])
    assert crowding(apart[:, None], apart, mask) == 0
    assert crowding(near[:, None], apart, mask) == pytest.approx(0.25, rel=1e-3)
    assert crowding(near[:, None], near, mask) == 0
    moved = near[:, None].clone().requires_grad_(True)
    crowding(moved, apart, mask).backward()
    assert moved.grad[0, 0, 0, 0, 0] > 0 > moved.grad[0, 0, 1, 0, 0], "descent moves them away from each other"


def test_noise_has_the_size_asked_for_and_keeps_the_scene_consistent():
    torch.manual_seed(0)
    scene = random_scene(batch=200, agents=4, gaps=True)
    same = Noise(share=1.0, low=0.05, high=0.05)(scene)
    change = (same.position - scene.position)[scene.present]
    assert change.std().item() == pytest.approx(0.05, rel=0.05)
    assert (same.position[~scene.present] == 0).all()
    step = (same.position[:, :, 1:] - same.position[:, :, :-1]) / 0.4
    both = scene.present[:, :, 1:] & scene.present[:, :, :-1]
    torch.testing.assert_close(same.velocity[:, :, 1:][both], step[both], atol=1e-4, rtol=1e-3)
    touched = (Noise(share=0.5)(scene).position != scene.position).flatten(1).any(1).float().mean()
    assert 0.35 < touched < 0.65
    assert Noise(share=0.0)(scene) is scene


@pytest.mark.parametrize("wrong", [{"share": 1.5}, {"low": 0.0}, {"low": 0.2, "high": 0.1}])
def test_impossible_noise_is_refused(wrong):
    with pytest.raises(ValueError, match="noise"):
        Noise(**wrong)
