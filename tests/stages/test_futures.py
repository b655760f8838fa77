"""Losses of forecasts: what is best alone and together, honest scales, and people who keep apart."""

import math

import pytest
import torch

from jepa_social.mind.motion import Motion
from jepa_social.stages.futures import APART, best_futures, crowding, displacement, gaussian, over_agents
from jepa_social.stages.noise import Noise
from tests.conftest import random_scene


def _two_by_two() -> tuple[Motion, torch.Tensor, torch.Tensor]:
    """Two agents, two codes, one frame: agent 0 errs by 1 and 3 m, agent 1 by 5 and 2 m."""
    position = torch.tensor([[1.0, 5.0], [3.0, 2.0]]).view(1, 2, 2, 1, 1) * torch.tensor([1.0, 0.0])
    return Motion(position, torch.ones(1, 2, 2, 1)), torch.zeros(1, 2, 1, 2), torch.ones(1, 2, 1, dtype=torch.bool)


@pytest.mark.parametrize(("joint", "expected"), [(0.0, (1 + 2) / 2), (1.0, (3 + 2) / 2), (0.5, 2.0)])
def test_the_best_is_sought_alone_and_together(joint, expected):
    motion, truth, mask = _two_by_two()
    odds = torch.full((1, 2, 2), 0.5).log()
    cost, _ = best_futures(motion, odds, truth, mask, joint, spare=0.0)
    assert cost == pytest.approx(expected)


def test_agents_without_frames_count_for_nothing():
    motion, truth, mask = _two_by_two()
    mask = mask.clone()
    mask[:, 1] = False
    odds = torch.full((1, 2, 2), 0.5).log()
    assert best_futures(motion, odds, truth, mask, 0.5, 0.0)[0] == pytest.approx(1.0)
    assert over_agents(displacement(motion.position[:, :1], truth, mask), mask) == pytest.approx(1.0)


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


def test_surprise_falls_with_the_odds_of_the_code_that_came():
    motion, truth, mask = _two_by_two()
    mask[:, 1] = False
    sure, wrong = torch.tensor([[[0.9, 0.1]] * 2]).log(), torch.tensor([[[0.1, 0.9]] * 2]).log()
    difference = (
        best_futures(motion, wrong, truth, mask, 0.5, 0.0)[1] - best_futures(motion, sure, truth, mask, 0.5, 0)[1]
    )
    assert difference.item() == pytest.approx(math.log(9), rel=1e-4)
