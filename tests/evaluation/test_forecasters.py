"""Rows without a network: by hand, and blind to padding, order, batching and the future."""

import math

import pytest
import torch

from jepa_social.evaluation.anchors import SLOWEST, Anchors
from jepa_social.evaluation.chance import normal, uniform
from jepa_social.evaluation.ensemble import Ensemble
from jepa_social.evaluation.forecasters import (
    ConstantVelocityForecaster,
    Forecaster,
    LeastSquares,
    Named,
    RandomHeadings,
    StandStill,
)
from jepa_social.scene import Scene
from tests.conftest import random_scene

OBSERVED, HORIZON = 8, 12
LEARNED = Anchors.fit([random_scene(32, 8, OBSERVED + HORIZON, seed=5)], OBSERVED, anchors=20)
STRAIGHT = [StandStill(), ConstantVelocityForecaster(), LeastSquares()]
TOGETHER = Ensemble("mean of 3", [LEARNED, ConstantVelocityForecaster(), LeastSquares()])
ROWS = [*STRAIGHT, RandomHeadings(), LEARNED, Named("jepa", RandomHeadings()), TOGETHER]


def answers(row: Forecaster, scene: Scene) -> list[torch.Tensor]:
    """All that it says, agents first: `[B,N,...]`."""
    draws = row.draw(scene, HORIZON, 7, seed=3)
    return [row.forecast(scene, HORIZON), row.sample(scene, HORIZON, 20).transpose(1, 2), draws.transpose(1, 2)]


@pytest.fixture(scope="module")
def seen() -> Scene:
    return random_scene(64, 6, OBSERVED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_shapes_and_determinism(row, seen):
    once, again = answers(row, seen), answers(row, seen)
    assert [tuple(a.shape) for a in once] == [(64, 6, 12, 2), (64, 6, 20, 12, 2), (64, 6, 7, 12, 2)]
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert all(a.isfinite().all() for a in once)


def test_an_ensemble_is_the_mean_of_its_members_and_has_the_futures_of_the_first_about_it():
    apart = random_scene(8, 3, OBSERVED, gaps=False)
    apart.position += 50 * torch.arange(3.0).view(1, 3, 1, 1)
    first = TOGETHER.members[0]
    mean = torch.stack([member.forecast(apart, HORIZON) for member in TOGETHER.members]).mean(0)
    torch.testing.assert_close(TOGETHER.forecast(apart, HORIZON), mean)
    for own, ours in (
        (first.sample(apart, HORIZON, 5), TOGETHER.sample(apart, HORIZON, 5)),
        (first.draw(apart, HORIZON, 5, 0), TOGETHER.draw(apart, HORIZON, 5, 0)),
    ):
        torch.testing.assert_close(ours - mean[:, None], own - first.forecast(apart, HORIZON)[:, None])
    assert TOGETHER.futures == first.futures == 20


def test_people_keep_apart_in_the_mean_of_forecasts_in_which_they_do():
    """One model lets both walk on the left of the other, one on the right: the mean walks through."""

    class Aside(ConstantVelocityForecaster):
        def __init__(self, by: float):
            self.by = torch.tensor([[0.0, by], [0.0, -by]])[:, None]

        def forecast(self, scene: Scene, horizon: int) -> torch.Tensor:
            return super().forecast(scene, horizon) + self.by

    time = 0.4 * torch.arange(-7.0, 1.0)[:, None]
    meeting = torch.stack((torch.tensor([-2.0, 0.01]) + time * torch.tensor([1.0, 0.0]),
                           torch.tensor([2.0, -0.01]) - time * torch.tensor([1.0, 0.0])))  # fmt: skip
    path = Ensemble("mean of 2", [Aside(0.4), Aside(-0.4)]).forecast(Scene.from_arrays(meeting, 0.4), HORIZON)[0]
    assert (path[0] - path[1]).norm(dim=-1).min() > 0.2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_scene_by_itself_is_forecast_as_in_a_batch(row, seen):
    whole = answers(row, seen)
    for i in (0, 17, 63):
        for a, b in zip(answers(row, seen[i : i + 1]), whole, strict=True):
            torch.testing.assert_close(a[0], b[i], atol=1e-5, rtol=0)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_padding_and_order_change_nothing(row, seen):
    whole, order = answers(row, seen), torch.tensor([3, 0, 5, 1, 4, 2])
    for a, b in zip(answers(row, seen.pad(9)), whole, strict=True):
        torch.testing.assert_close(a[:, :6], b, atol=1e-5, rtol=0)
    for a, b in zip(answers(row, seen.permute(order)), whole, strict=True):
        torch.testing.assert_close(a, b[:, order], atol=1e-5, rtol=0)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_future_changes_nothing(row):
    """Fails for velocities by central differences, which look a frame ahead."""
    whole = random_scene(4, 5, OBSERVED + HORIZON)
    other = whole.position.clone()
    other[:, :, OBSERVED:] += torch.randn_like(other[:, :, OBSERVED:])
    changed = Scene.from_arrays(other, 0.4, present=whole.present)
    before, after = (answers(row, scene.between(0, OBSERVED)) for scene in (whole, changed))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_straight_lines_by_hand():
    gone = math.nan
    path = [[0.0, 0.0], [gone, gone], [2.0, 1.0], [3.0, 3.0]]
    scene = Scene.from_arrays([path, [[gone, gone]] * 3 + [[5.0, 5.0]]], 0.4)
    assert StandStill().forecast(scene, 2)[0, 0].tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert ConstantVelocityForecaster().forecast(scene, 2)[0, 0].tolist() == [[4.0, 5.0], [5.0, 7.0]]
    # y over t = -3, -1, 0: slope 4.3333/4.6667, through the mean (-4/3, 4/3); x = t + 3 exactly
    slope = (0 * (-3 + 4 / 3) + 1 * (-1 + 4 / 3) + 3 * (4 / 3)) / (25 / 9 + 1 / 9 + 16 / 9)
    line = [[3.0 + t, 4 / 3 + slope * (t + 4 / 3)] for t in (1, 2)]
    torch.testing.assert_close(LeastSquares().forecast(scene, 2)[0, 0], torch.tensor(line))
    for row in STRAIGHT:
        assert row.forecast(scene, 2)[0, 1].tolist() == [[5.0, 5.0]] * 2, "seen once: stands"


def test_random_headings_keep_speed_and_turn_by_sigma():
    step = torch.rand(1, 200, 1, 2) + 0.1
    scene = Scene.from_arrays(step * torch.arange(8)[:, None] + torch.randn(1, 200, 1, 2), 0.4)
    row = RandomHeadings()
    away = row.sample(scene, HORIZON, 100) - scene.position[:, None, :, -1:]
    straight = row.forecast(scene, HORIZON) - scene.position[:, :, -1:]
    torch.testing.assert_close(away.norm(dim=-1), straight.norm(dim=-1)[:, None].expand(-1, 100, -1, -1))
    turn = torch.atan2(*away[..., -1, :].flip(-1).unbind(-1)) - torch.atan2(*straight[..., -1, :].flip(-1).unbind(-1))
    assert turn.mean().abs() < 0.02
    assert turn.std().item() == pytest.approx(math.radians(25), rel=0.03)
    together = torch.corrcoef(turn[0].T)  # [agents, agents] over samples
    assert together.fill_diagonal_(0).abs().mean() < 0.1, "samples share nothing among agents"


def test_hashed_numbers_are_uniform_and_depend_on_agent_draw_and_seed():
    scene = random_scene(8, 16, 8, gaps=False)
    numbers = uniform(scene, 500, 0)
    assert 0 < numbers.min() < numbers.max() < 1
    counts = torch.histc(numbers.float(), 20, 0, 1) / numbers.numel()
    assert (counts - 0.05).abs().max() < 0.005
    assert len(numbers.unique()) == numbers.numel()
    assert not (numbers == uniform(scene, 500, 1)).any()
    torch.testing.assert_close(uniform(scene, 7, 0), numbers[:, :7], atol=0, rtol=0)
    assert normal(scene, 500, 0).std().item() == pytest.approx(1.0, abs=0.02)
    successive = numbers[:, 1:] - 0.5, numbers[:, :-1] - 0.5
    assert (successive[0] * successive[1]).mean().abs() < 0.002


def turners(share: tuple[float, ...], count: int = 300) -> tuple[Scene, torch.Tensor]:
    """People of any heading and speed who, relative to constant velocity, deviate in one of a few ways."""
    speed = SLOWEST + 1.5 * torch.rand(count, 1, 1)
    heading = 6.3 * torch.rand(count, 1)
    kinds = torch.tensor([[0.0, 0.0], [0.0, 0.8], [-0.6, 0.0]])
    kind = torch.arange(len(share)).repeat_interleave(torch.tensor([int(s * count) for s in share]))
    time = 0.4 * torch.arange(-7, 13)
    local = torch.stack((time, torch.zeros_like(time)), -1) + kinds[kind][:, None] * time.clamp(min=0)[:, None]
    cos, sin = heading.cos(), heading.sin()
    x, y = local.unbind(-1)
    path = torch.stack((cos * x - sin * y, sin * x + cos * y), -1) * speed
    scene = Scene.from_arrays((path + 9 * torch.randn(count, 1, 2))[:, None], 0.4)
    return scene, kinds[: len(share)]


def test_anchors_find_what_people_do_whatever_their_heading_and_speed():
    torch.manual_seed(0)
    scene, kinds = turners((0.2, 0.7, 0.1))
    row = Anchors.fit([scene], OBSERVED, anchors=3)
    assert row.share.tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.01), "most common first"
    expected = kinds[[1, 0, 2]][:, None] * (0.4 * torch.arange(1, 13))[:, None]
    torch.testing.assert_close(row.shape, expected, atol=1e-3, rtol=0)
    best = (row.sample(scene.between(0, 8), 12, 3) - scene.position[:, None, :, 8:]).norm(dim=-1).amax(-1).amin(1)
    assert best.max() < 1e-2
    drawn = (row.draw(scene.between(0, 8), 12, 50, 0) - row.forecast(scene.between(0, 8), 12)[:, None]).norm(dim=-1)
    assert (drawn[..., -1] < 1e-3).double().mean().item() == pytest.approx(0.7, abs=0.03)


def test_anchors_say_what_they_cannot():
    scene, _ = turners((0.5, 0.5), count=4)
    with pytest.raises(ValueError, match="4 training futures are too few for 20 anchors"):
        Anchors.fit([scene], OBSERVED)
    row = Anchors.fit([scene], OBSERVED, anchors=2)
    with pytest.raises(ValueError, match="3 samples of 2 anchors"):
        row.sample(scene.between(0, 8), 12, 3)
    with pytest.raises(ValueError, match="anchors of 12 frames cannot forecast 13"):
        row.forecast(scene.between(0, 8), 13)
