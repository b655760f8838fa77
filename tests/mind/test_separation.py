"""People do not walk through each other, and the correction is no more than that."""

import torch

from jepa_social.evaluation.forecasting import predicted_collisions
from jepa_social.mind.separation import APART, keep_apart


def crossing() -> tuple[torch.Tensor, torch.Tensor]:
    """Two walk head-on through each other and meet between two steps, a third is far away, a fourth absent."""
    ahead = torch.arange(8.0)
    zero = torch.zeros(8)
    first = torch.stack((0.5 * ahead - 1.75, zero), -1)
    second = torch.stack((1.75 - 0.5 * ahead, zero + 0.02), -1)
    third = torch.stack((0.5 * ahead, zero + 9.0), -1)
    path = torch.stack((first, second, third, first + 0.01))[None, None]
    return path, torch.tensor([[True, True, True, False]])


def test_nobody_collides_any_more():
    path, here = crossing()
    assert predicted_collisions(path[:, 0], here)[0].tolist() == [True, True, False, False]
    apart = keep_apart(path, here)
    assert not predicted_collisions(apart[:, 0], here).any()
    assert (apart - path).norm(dim=-1).max() < 3 * APART, "and nobody jumps"


def test_who_meets_nobody_is_not_moved():
    path, here = crossing()
    assert torch.equal(keep_apart(path, here)[:, :, 2], path[:, :, 2])
    alone = path[:, :, 2:]
    assert keep_apart(alone, here[:, 2:]) is alone


def test_a_step_depends_on_no_later_one_and_order_and_company_change_nothing():
    torch.manual_seed(0)
    path = torch.randn(2, 3, 9, 1, 2) + 0.4 * torch.randn(2, 3, 9, 10, 2).cumsum(3)
    here = torch.rand(2, 9) > 0.2
    apart = keep_apart(path, here)
    torch.testing.assert_close(keep_apart(path[:, :, :, :6], here), apart[:, :, :, :6])
    order = torch.randperm(9)
    torch.testing.assert_close(keep_apart(path[:, :, order], here[:, order]), apart[:, :, order])
    changed = path.clone()
    changed[:, :, ~here[0]] += 1.0
    torch.testing.assert_close(keep_apart(changed[:1], here[:1])[:, :, here[0]], apart[:1][:, :, here[0]])


def test_who_is_in_one_place_is_not_thrown_apart():
    """There is no direction to give way in: rounding must not become one, wherever in the world they are."""
    torch.manual_seed(0)
    path = 880.0 + torch.rand(50, 1, 1, 1, 2) * 10 + torch.arange(4.0)[:, None] * torch.rand(50, 1, 1, 1, 2)
    path = path + 0.3 * torch.rand(50, 1, 6, 1, 2) * (torch.arange(6) > 2)[:, None, None]
    after = keep_apart(path, torch.ones(50, 6, dtype=torch.bool))
    assert (after - path).norm(dim=-1).max() < 5 * APART
