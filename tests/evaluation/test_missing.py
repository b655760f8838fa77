"""Lost observations: as many as said, never the last two, the same in every batch."""

import pytest
import torch

from jepa_social.evaluation.missing import drop_frames
from jepa_social.scene import Scene
from tests.conftest import random_scene


def test_the_share_that_was_asked_for_is_lost_and_the_last_two_stay():
    scene = random_scene(64, 8, 8)
    lost = scene.present & ~drop_frames(scene, 0.5, range(64)).present
    assert not lost[..., -2:].any()
    assert (lost.sum() / scene.present[..., :-2].sum()).item() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(drop_frames(scene, 0.0, range(64)).present, scene.present)


def test_losses_follow_the_window_whatever_the_batch():
    scene = random_scene(6, 5, 8)
    whole = drop_frames(scene, 0.5, [7, 3, 9, 1, 4, 2])
    alone = drop_frames(scene[2:3].pad(8), 0.5, [9])
    assert torch.equal(alone.present[0, :5], whole.present[2])
    assert not torch.equal(drop_frames(scene[2:3], 0.5, [8]).present, alone.present[:, :5]), "other windows lose others"
    assert not torch.equal(drop_frames(scene, 0.5, [7, 3, 9, 1, 4, 2], seed=1).present, whole.present)


def test_velocity_after_a_gap_is_unknown_and_nothing_lost_is_left():
    scene = random_scene(8, 5, 8, gaps=False)
    found = drop_frames(scene, 0.6, range(8))
    again = Scene.from_arrays(scene.position, scene.dt, present=found.present)
    torch.testing.assert_close(found.velocity, again.velocity)
    torch.testing.assert_close(found.heading, again.heading)
    before = torch.cat((torch.zeros_like(found.present[..., :1]), found.present[..., :-1]), -1)
    assert (found.velocity[~(found.present & before)] == 0).all()
    assert (found.position[~found.present] == 0).all()


def test_impossible_shares_are_refused():
    with pytest.raises(ValueError, match=r"suite\.drop must be at least 0 and less than 1"):
        drop_frames(random_scene(), 1.0, range(3))
