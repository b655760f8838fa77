"""Spectra with known answers, and measures that are blind to order, padding and batching."""

import math

import pytest
import torch

from jepa_social.models.diagnostics import drift_errors, latent_health, rollout_drift
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.spectra import decay_exponent, effective_rank, lidar, over_time
from tests.conftest import random_scene

OBSERVED = 7


def planted(values: torch.Tensor, rows: int = 500) -> torch.Tensor:
    """Centred rows whose covariance has exactly these eigenvalues (times rows)."""
    torch.manual_seed(0)
    basis = torch.randn(rows, len(values), dtype=torch.float64)
    left = torch.linalg.qr(basis - basis.mean(0))[0]
    turn = torch.linalg.qr(torch.randn(len(values), len(values), dtype=torch.float64))[0]
    return ((left * values.double().sqrt()) @ turn).float()


@pytest.fixture(scope="module")
def model() -> SocialJEPA:
    torch.manual_seed(0)
    return SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8), teacher=False).eval()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(alpha):
    values = torch.arange(1, 33).float() ** -alpha
    assert decay_exponent(planted(values)) == pytest.approx(alpha, abs=2e-3)
    assert decay_exponent(100 * planted(values) + 7) == pytest.approx(alpha, abs=2e-3)


def test_an_isotropic_spectrum_has_full_rank_and_no_decay():
    latents = planted(torch.ones(24))
    assert effective_rank(latents) == pytest.approx(24, rel=1e-3)
    assert decay_exponent(latents) == pytest.approx(0, abs=1e-3)


def test_directions_without_variance_are_no_part_of_the_spectrum():
    values = torch.cat((torch.arange(1, 9).float() ** -1.0, torch.zeros(8)))
    assert decay_exponent(planted(values)) == pytest.approx(1.0, abs=2e-3)
    assert math.isnan(decay_exponent(torch.ones(10, 4)))


@pytest.mark.parametrize("planted_rank", [1, 3, 7])
def test_lidar_counts_the_directions_that_tell_classes_apart(planted_rank):
    torch.manual_seed(0)
    classes = torch.arange(200).repeat_interleave(30)
    centre = torch.zeros(200, 16)
    centre[:, :planted_rank] = 30 * torch.randn(200, planted_rank)
    latents = centre[classes] + torch.randn(6000, 16)
    assert lidar(latents, classes) == pytest.approx(planted_rank, rel=0.04)
    assert effective_rank(torch.randn(6000, 16)) == pytest.approx(16, rel=0.02)
    stretched = latents @ torch.diag(torch.logspace(-1, 1, 16))
    assert lidar(stretched, classes) == pytest.approx(float(lidar(latents, classes)), rel=0.02), "units do not matter"


def test_lidar_needs_two_classes_of_two():
    assert math.isnan(lidar(torch.randn(5, 3), torch.tensor([0, 0, 0, 1, 2])))


def test_who_and_what_are_told_apart():
    torch.manual_seed(0)
    who = torch.randn(10, 6, 1, 16)
    what = torch.randn(10, 6, 12, 16)
    present = torch.ones(10, 6, 12, dtype=torch.bool)
    lost = latent_health(who + 0.1 * what[..., :1] * torch.ones(16), present)
    assert lost["rank_over_time"] < 1.1
    assert lost["rank_over_agents"] > 12
    assert lost["time_share"] < 0.05
    kept = latent_health(what + who[..., :1], present)
    assert kept["rank_over_time"] > 14
    assert kept["rank_over_agents"] < 10


def test_a_clock_is_told_from_motion():
    torch.manual_seed(0)
    present = torch.rand(40, 8, 12) > 0.2
    motion = torch.randn(40, 8, 12, 16)
    clock = torch.randn(12, 16)
    assert latent_health(motion + torch.randn(40, 8, 1, 16), present)["clock_share"] < 0.02
    assert latent_health(0.1 * motion + clock, present)["clock_share"] > 0.9
    assert latent_health(motion + clock, present)["clock_share"] == pytest.approx(0.5, abs=0.1)


def test_agents_seen_once_have_no_time():
    state = torch.randn(1, 2, 4, 3)
    present = torch.tensor([[[True, False, False, False], [True, True, False, True]]])
    changing, lasting = over_time(state, present)
    assert (len(changing), len(lasting)) == (3, 1)
    assert changing.sum(0) == pytest.approx(0, abs=1e-5)


def test_health_is_blind_to_order_and_padding(model):
    scene = random_scene(batch=6)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        usual = latent_health(model.encode(scene).state, scene.present)
        for other in (scene.permute(order), scene.pad(9), scene[torch.tensor([5, 2, 0, 1, 3, 4])]):
            again = latent_health(model.encode(other).state, other.present)
            for name, value in usual.items():
                assert again[name] == pytest.approx(float(value), rel=2e-3), name


def test_drift_is_blind_to_order_padding_and_batching(model):
    scene = random_scene(batch=6)
    with torch.no_grad():
        usual = rollout_drift(*drift_errors(model, scene, OBSERVED))
        assert usual.shape == (scene.frames - OBSERVED,)
        for other in (scene.permute(torch.tensor([3, 0, 4, 1, 2])), scene.pad(9)):
            torch.testing.assert_close(
                rollout_drift(*drift_errors(model, other, OBSERVED)), usual, rtol=1e-4, atol=1e-5
            )
        halves = [drift_errors(model, scene[part], OBSERVED) for part in (slice(0, 2), slice(2, 6))]
        joined = rollout_drift(*(torch.cat(both) for both in zip(*halves, strict=True)))
    torch.testing.assert_close(joined, usual, rtol=1e-4, atol=1e-5)


def test_drift_is_one_for_a_copy_and_nought_for_the_truth(model):
    class Oracle(SocialJEPA):
        def imagine(self, latents, ego_actions=None, horizon=None, foreseen=None):
            return self.told[:, None]

    scene = random_scene(batch=4, gaps=False)
    oracle = Oracle(model.config, teacher=False)
    oracle.load_state_dict(model.state_dict())
    with torch.no_grad():
        truth = model.encode(scene).state
        oracle.told = truth[:, :, OBSERVED:]
        assert rollout_drift(*drift_errors(oracle, scene, OBSERVED)).max() < 1e-6
        oracle.told = truth[:, :, OBSERVED - 1 : OBSERVED].expand_as(oracle.told)
        torch.testing.assert_close(rollout_drift(*drift_errors(oracle, scene, OBSERVED)), torch.ones(5))


def test_a_teachers_targets_are_normalised_as_its_objective_has_them():
    torch.manual_seed(0)
    student = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8), teacher=True)
    scene = random_scene(batch=3)
    with torch.no_grad():
        usual = drift_errors(student, scene, OBSERVED)
        assert student.teacher is not None
        student.teacher.head.weight *= 3.0
        student.teacher.head.bias *= 3.0
        scaled = drift_errors(student, scene, OBSERVED)
    for a, b in zip(usual[:2], scaled[:2], strict=True):
        torch.testing.assert_close(a * usual[2], b * usual[2], rtol=1e-2, atol=1e-2)


def test_nothing_to_imagine_is_an_error(model):
    with pytest.raises(ValueError, match="leave nothing to imagine"):
        drift_errors(model, random_scene(), 12)
