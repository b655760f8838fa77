"""Reaction fidelity: scores with known answers."""

import numpy as np
import pytest
import torch

from jepa_social.evaluation.reaction import Changes, reaction_scores, walking, within_reach
from jepa_social.scene import Scene


def changes(rows: int = 200, steps: int = 4, seed: int = 0) -> Changes:
    chance = torch.Generator().manual_seed(seed)
    change = torch.randn(rows, steps, 2, generator=chance)
    angle = 6.3 * torch.rand(rows, generator=chance)
    return Changes(change, torch.stack((angle.cos(), angle.sin()), -1), np.arange(rows) // 5)


def values(predicted: Changes, truth: Changes) -> dict[str, float]:
    return {name: score.value for name, score in reaction_scores(predicted, truth).items()}


def test_the_truth_is_perfect_and_no_change_scores_nothing():
    truth = changes()
    perfect = values(truth, truth)
    assert perfect["change_error"] == pytest.approx(0, abs=1e-9)
    assert [perfect[name] for name in ("change_r2", "change_correlation", "yielding")] == pytest.approx([1, 1, 1])
    blind = values(truth.of(torch.zeros_like(truth.change)), truth)
    assert (blind["change_r2"], blind["yielding"]) == pytest.approx((0, 0.5))
    assert blind["change_error"] == pytest.approx(float(truth.change.norm(dim=-1).mean()))
    assert np.isnan(blind["change_correlation"])


@pytest.mark.parametrize("share", [0.5, 1.5, -1.0])
def test_a_scaled_change_has_the_r2_of_its_scale(share):
    truth = changes()
    found = values(truth.of(share * truth.change), truth)
    assert found["change_r2"] == pytest.approx(1 - (1 - share) ** 2)
    assert found["change_correlation"] == pytest.approx(np.sign(share))
    assert found["yielding"] == pytest.approx(1.0 if share > 0 else 0.0)


def test_yielding_is_balanced_and_leaves_out_who_is_hardly_changed():
    """Nine are held up and one hurried: to say `held up` of all ten is worth half."""
    progress = torch.tensor([-1.0] * 9 + [1.0] + [0.05] * 30)
    change = torch.zeros(40, 3, 2)
    change[:, -1, 0] = progress
    truth = Changes(change, torch.tensor([1.0, 0.0]).expand(40, 2), np.arange(40))
    found = reaction_scores(truth.of(-change.abs()), truth)["yielding"]
    assert (found.value, found.n) == (pytest.approx(0.5), 10)
    sideways = Changes(change, torch.tensor([0.0, 1.0]).expand(40, 2), np.arange(40))
    assert reaction_scores(sideways, sideways)["yielding"].n == 0


def test_intervals_resample_episodes():
    """The same rows in one episode each, or copied ten times within their episodes: equally sure."""
    truth = changes(60)
    alone = Changes(truth.change, truth.ahead, np.arange(60))
    guess = 0.7 * truth.change + 0.3 * changes(60, seed=1).change
    copies = np.repeat(np.arange(60), 10)
    many = Changes(truth.change[copies], truth.ahead[copies], copies)
    one, ten = reaction_scores(alone.of(guess), alone), reaction_scores(many.of(guess[copies]), many)
    for name in ("change_r2", "change_error", "change_correlation"):
        a, b = one[name].interval(), ten[name].interval()
        assert (a.mean, a.low, a.high) == pytest.approx((b.mean, b.low, b.high)), name
        assert a.low < a.mean < a.high


def test_scores_are_of_the_plane():
    """Turning the world changes nothing."""
    truth, guess = changes(), changes(seed=3)
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])
    there = Changes(truth.change @ turn, truth.ahead @ turn, truth.episode)
    before, after = values(truth.of(guess.change), truth), values(there.of(guess.change @ turn), there)
    for name in ("change_r2", "change_error", "yielding"):
        assert after[name] == pytest.approx(before[name], abs=1e-5), name


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        reaction_scores(changes(10), changes(11))


def test_within_reach_are_others_who_are_there():
    position = np.zeros((4, 3, 2))
    position[:, :, 0] = np.array([0.0, 3.0, 5.0, 1.0])[:, None]
    position[3, -1] = np.nan
    scene = Scene.from_arrays(position, 0.25, ego=0)
    assert within_reach(scene, 4.0).tolist() == [[False, True, False, False]]


def test_who_was_never_seen_to_move_walks_nowhere():
    position = np.zeros((2, 3, 2))
    position[1, :, 1] = [0.0, 0.5, 1.0]
    ahead = walking(Scene.from_arrays(position, 0.25))
    torch.testing.assert_close(ahead, torch.tensor([[[0.0, 0.0], [0.0, 1.0]]]))
