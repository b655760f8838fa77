"""A planner that walks many lives side by side."""

import torch

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.planning.costs import PersonalSpace, Progress, Weighted
from jepa_social.planning.dynamics import Imagination
from jepa_social.planning.mpc import MPC
from jepa_social.planning.solvers import RandomShooting
from jepa_social.planning.taught import Taught
from tests.conftest import random_scene


def taught(learned: torch.Tensor) -> Taught:
    torch.manual_seed(0)
    model = WorldModel(SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16)), 0.4, 6, 12).eval()
    cost = Weighted({"progress": Progress(), "space": PersonalSpace(3.0)}, {"progress": 1.0, "space": 3.0})
    planner = MPC("ours", Imagination(model), cost, RandomShooting(32), horizon=2.4, knots=3)
    policy = Taught(planner, model.motion, learned)
    policy.reset()
    return policy


def test_each_scene_is_walked_with_what_its_life_has_learned_and_goes_on_without_the_others():
    scene = random_scene(3, gaps=False)
    learned = torch.zeros(3, 3, 13)
    learned[1, 1] = 3.0
    plain, mixed = taught(torch.zeros_like(learned)), taught(learned)
    first, other = plain.act(scene), mixed.act(scene)
    changed = (first - other).norm(dim=-1) > 1e-6
    assert changed.tolist() == [False, True, False]
    left = torch.tensor([False, True, True])
    plain.keep(left)
    mixed.keep(left)
    rest = scene[left]
    changed = (plain.act(rest) - mixed.act(rest)).norm(dim=-1) > 1e-6
    assert changed.tolist() == [True, False]
