"""Scores of forecasts with samples: by hand, against scipy, and blind to padding, order and batching."""

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde

from jepa_social.evaluation.anchors import Anchors
from jepa_social.evaluation.density import FLOOR, kde
from jepa_social.evaluation.forecast_scores import forecast_scores, truth_scores
from jepa_social.evaluation.forecasters import ConstantVelocityForecaster, RandomHeadings
from jepa_social.evaluation.forecasting import predicted_collisions
from jepa_social.scene import Scene
from tests.conftest import random_scene


class Says:
    """Answers with the paths that it is given: `best [B,N,H,2]`, `samples` and `draws` `[B,S,N,H,2]`."""

    name = "given"

    def __init__(self, best, samples, draws):
        self.best, self.samples, self.draws = best, samples, draws
        self.futures = samples.shape[1]

    def forecast(self, scene, horizon):
        return self.best

    def sample(self, scene, horizon, samples):
        assert samples <= self.futures
        return self.samples[:, :samples]

    def draw(self, scene, horizon, samples, seed):
        return self.draws


def test_every_score_by_hand():
    """Two people 10 m apart stand for two frames; errors of sample s are chosen person by person."""
    home = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    truth = home[None, :, None].expand(1, 2, 2, 2).clone()
    off = torch.full((20, 2, 2), 9.0)  # [S, agent, frame]: metres north
    off[0], off[1] = torch.tensor([[1.0, 3.0], [4.0, 6.0]]), torch.tensor([[3.0, 5.0], [1.0, 1.0]])
    off[2] = torch.tensor([[2.0, 1.0], [4.0, 8.0]])
    off[7] = torch.tensor([[0.0, 0.5], [9.0, 9.0]])  # beyond the first five
    north = torch.tensor([0.0, 1.0])
    samples = truth[:, None] + off[None, ..., None] * north
    out = forecast_scores(
        Says(samples[:, 0], samples, samples.repeat(1, 5, 1, 1, 1)),
        Scene.from_arrays(truth, 0.4),
        truth,
        torch.ones(1, 2, dtype=torch.bool),
    )
    expected = {
        "ade": [2.0, 5.0],
        "fde": [3.0, 6.0],
        "miss_rate": [1.0, 1.0],
        "ade_5": [1.5, 1.0],  # sample 2; sample 1
        "fde_5": [1.0, 1.0],
        "ade_20": [0.25, 1.0],  # sample 7
        "fde_20": [0.5, 1.0],
        "miss_rate_20": [0.0, 0.0],
        "joint_ade_5": [4.0, 1.0],  # sample 1: mean 2.5 beats 3.5 and 3.75
        "joint_fde_5": [5.0, 1.0],  # sample 1: mean 3 beats 4.5
        "joint_ade_20": [4.0, 1.0],
        "joint_fde_20": [5.0, 1.0],
        "mean_ade_20": [off[:, 0].mean().item(), off[:, 1].mean().item()],
        "mean_fde_20": [off[:, 0, 1].mean().item(), off[:, 1, 1].mean().item()],
        "collision_share": [0.0, 0.0],
        "collision_share_20": [0.0, 0.0],
        "collision_truth_share": [0.0, 0.0],
        "spread": [1.0, 1.0],
    }
    for name, value in expected.items():
        torch.testing.assert_close(out[name], torch.tensor([value]), msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.parametrize(("futures", "known"), [(0, ()), (1, ()), (5, (5,)), (19, (5,)), (20, (5, 20))])
def test_the_best_of_more_futures_than_there_are_is_not_told(futures, known):
    seen, truth, scored = scored_scene(4, 6)
    paths = RandomHeadings().sample(seen, 12, 20)
    whole = forecast_scores(Says(paths[:, 0], paths, paths), seen, truth, scored)
    few = forecast_scores(Says(paths[:, 0], paths[:, :futures], paths), seen, truth, scored)
    assert {name for name in few if name.endswith(("_5", "_20"))} == {
        name for name in whole if name.endswith(tuple(f"_{k}" for k in known))
    }
    assert {"ade", "fde", "nll", "spread", "inside_90_final"} <= set(few)
    for name, value in few.items():
        torch.testing.assert_close(value, whole[name], equal_nan=True)


def test_ade_and_fde_choose_their_own_sample():
    truth = torch.zeros(1, 1, 2, 2)
    off = torch.full((20, 1, 2), 9.0)
    off[0], off[1] = torch.tensor([[0.0, 4.0]]), torch.tensor([[6.0, 1.0]])
    paths = off[None, ..., None] * torch.tensor([1.0, 0.0])
    out = forecast_scores(Says(paths[:, 0], paths, paths), Scene.from_arrays(truth, 0.4), truth, truth[..., 0, 0] == 0)
    assert (out["joint_ade_20"].item(), out["joint_fde_20"].item()) == (2.0, 1.0)


def test_collisions_within_a_sample_and_with_the_truth():
    """A walks along y = 0, B along y = 1; sample 0 brings A onto B's path, sample 1 brings B onto A's: never both."""
    along = torch.arange(1.0, 4.0)
    a = torch.stack((along, torch.zeros(3)), -1)
    b = torch.stack((along, torch.ones(3)), -1)
    truth = torch.stack((a, b))[None]
    samples = truth[:, None].repeat(1, 20, 1, 1, 1)
    samples[:, 0, 0, :, 1] = 0.9
    samples[:, 1, 0, :, 1], samples[:, 1, 1, :, 1] = 1.0, 0.0  # they change places: apart in this sample
    everyone = torch.ones(1, 2, dtype=torch.bool)
    out = forecast_scores(Says(samples[:, 1], samples, samples), Scene.from_arrays(truth, 0.4), truth, everyone)
    assert out["collision_share"].tolist() == [[0.0, 0.0]]
    assert out["collision_truth_share"].tolist() == [[1.0, 1.0]], "each walks where the other really is"
    torch.testing.assert_close(out["collision_share_20"], torch.tensor([[0.05, 0.05]]))
    assert truth_scores(truth, everyone)["collision_share"].tolist() == [[0.0, 0.0]]


def test_col_ii_halves_the_step_too():
    paths = torch.tensor([[[[0.0, 0.0], [1.0, 0.0]], [[5.0, 5.0], [5.0, 5.0]]]])
    truth = torch.tensor([[[[9.0, 9.0], [9.0, 9.0]], [[1.0, 0.1], [0.0, 0.1]]]])
    everyone = torch.ones(1, 2, dtype=torch.bool)
    assert predicted_collisions(paths, everyone, others=truth).tolist() == [[True, False]]
    assert not predicted_collisions(paths, everyone, parts=1, others=truth).any()
    alone = torch.tensor([[True, False]])
    assert not predicted_collisions(paths, alone, others=truth).any(), "who is not scored is not there"


def scored_scene(batch: int, agents: int, seed: int = 0) -> tuple[Scene, torch.Tensor, torch.Tensor]:
    scene = random_scene(batch, agents, 20, seed=seed)
    scored = scene.present.all(-1)
    scored[:, 1] = False  # somebody who is only context
    return scene.between(0, 8), scene.position[:, :, 8:], scored


ROWS = [ConstantVelocityForecaster(), RandomHeadings(), Anchors.fit([random_scene(32, 8, 20, seed=5)], 8)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_scores_are_blind_to_batching_padding_and_order(row):
    seen, truth, scored = scored_scene(64, 6)
    whole = forecast_scores(row, seen, truth, scored)
    assert all(value.isnan().equal(~scored) for value in whole.values())
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    permuted = forecast_scores(row, seen.permute(order), truth[:, order], scored[:, order])
    junk = torch.full((64, 3, 12, 2), 7.0)
    padded = forecast_scores(
        row, seen.pad(9), torch.cat((truth, junk), 1), torch.cat((scored, torch.zeros(64, 3, dtype=torch.bool)), 1)
    )
    for i in (0, 9, 63):
        alone = forecast_scores(row, seen[i : i + 1], truth[i : i + 1], scored[i : i + 1])
        for name, value in alone.items():
            torch.testing.assert_close(value[0], whole[name][i], equal_nan=True, atol=2e-4, rtol=1e-4)
    for name, value in whole.items():
        torch.testing.assert_close(permuted[name], value[:, order], equal_nan=True, atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(padded[name][:, :6], value, equal_nan=True, atol=2e-4, rtol=1e-4)


def test_more_samples_only_help_and_joint_is_harder_than_marginal():
    seen, truth, scored = scored_scene(16, 6)
    out = {name: value[scored] for name, value in forecast_scores(RandomHeadings(), seen, truth, scored).items()}
    for error in ("ade", "fde"):
        assert (out[f"{error}_20"] <= out[f"{error}_5"]).all()
        assert (out[f"{error}_20"] <= out[f"joint_{error}_20"]).all()
        assert out[f"joint_{error}_20"].mean() <= out[f"mean_{error}_20"].mean()


def test_likelihood_is_that_of_scipy():
    torch.manual_seed(0)
    draws = torch.randn(100, 5, 3, 2) @ torch.tensor([[3.0, 1.5], [0.0, 1.0]]) + torch.randn(5, 3, 2) * 5
    truth = draws.mean(0) + 2 * torch.randn(5, 3, 2)
    found = kde(draws, truth).nll
    for i, j in np.ndindex(5, 3):
        expected = gaussian_kde(draws[:, i, j].T.double().numpy()).logpdf(truth[i, j].numpy())[0]
        assert found[i, j].item() == pytest.approx(-max(expected, FLOOR), abs=5e-3)
    assert kde(draws, truth + 1e3).nll.eq(20.0).all(), "floored"


def test_regions_of_right_draws_hold_what_they_claim():
    torch.manual_seed(0)
    mixture = torch.randn(101, 4000, 2) * 0.3 + 2.0 * (torch.rand(101, 4000, 1) > 0.4)
    rank = kde(mixture[1:], mixture[0]).rank
    for probability in (0.5, 0.9):
        assert (rank < probability).double().mean().item() == pytest.approx(probability, abs=0.025)
    narrow = kde(0.3 * (mixture[1:] - 1) + 1, mixture[0]).rank
    assert (narrow < 0.5).double().mean() < 0.3, "too sure of itself"


def test_equal_draws_are_a_point_that_the_truth_hits_or_misses():
    found = kde(torch.zeros(100, 2, 2), torch.tensor([[0.0, 0.0], [0.3, 0.0]]))
    assert found.rank.tolist() == [0.0, 1.0]
    assert found.nll[0] < -5
    assert found.nll[1] == 20.0


def test_a_forecast_without_spread_says_so():
    seen, truth, scored = scored_scene(4, 6)
    assert forecast_scores(ConstantVelocityForecaster(), seen, truth, scored)["spread"].nansum() == 0
    assert forecast_scores(RandomHeadings(), seen, truth, scored)["spread"][scored].eq(1).all()
