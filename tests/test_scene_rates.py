"""A scene seen at another rate: `Scene.resampled`."""

import numpy as np
import pytest
import torch

from jepa_social.scene import Scene
from tests.conftest import line, random_scene


def test_the_same_rate_changes_nothing():
    scene = random_scene()
    assert scene.resampled(0.4) is scene


@pytest.mark.parametrize(("own", "dt"), [(0.4, 0.25), (0.1, 0.25), (0.25, 0.4), (0.4, 0.2), (0.1, 0.4), (0.3, 0.07)])
def test_straight_lines_are_exact_at_any_rate(own, dt):
    scene = line((1.2, -0.7), frames=13, dt=own, start=(2.0, 1.0), goal=(9.0, 9.0), speed=1.0, ego=0)
    seen = scene.resampled(dt)
    assert seen.present.all()
    assert (seen.dt == dt).all()
    assert (seen.frames - 1) * dt <= 12 * own + 1e-4 < seen.frames * dt + 1e-3, "as much history as there is, no more"
    when = 12 * own - dt * torch.arange(seen.frames - 1, -1, -1)
    expected = torch.tensor([2.0, 1.0]) + when[:, None] * torch.tensor([1.2, -0.7])
    torch.testing.assert_close(seen.position[0, 0], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        seen.velocity[0, 0, 1:], torch.tensor([1.2, -0.7]).expand(seen.frames - 1, 2), atol=2e-4, rtol=0
    )
    torch.testing.assert_close(seen.heading[0, 0, 1:], scene.heading[0, 0, -1].expand(seen.frames - 1))
    assert torch.equal(seen.position[:, :, -1], scene.position[:, :, -1]), "now is now"
    assert torch.equal(seen.goal, scene.goal)


@pytest.mark.parametrize("own", [0.1, 0.25, 0.3, 0.4, 0.6, 0.7])
@pytest.mark.parametrize("every", [2, 3])
def test_every_second_frame_is_every_second_frame(own, every):
    scene = random_scene(frames=20)
    scene.dt = torch.full((3,), own)
    seen = scene.resampled(every * own)
    assert torch.equal(seen.present, scene.present[:, :, 19 % every :: every])
    torch.testing.assert_close(seen.position, scene.position[:, :, 19 % every :: every], atol=1e-4, rtol=0)


def test_nothing_is_seen_before_it_was():
    scene = random_scene(frames=16, gaps=False)
    changed = scene.clone()
    changed.position[:, :, 10:] += 5.0
    changed = Scene.from_arrays(changed.position, 0.4)
    a, b = scene.resampled(0.25), changed.resampled(0.25)
    when = (15 * 0.4) - 0.25 * torch.arange(a.frames - 1, -1, -1)
    before = when <= 9 * 0.4 + 1e-4
    for name in ("position", "velocity", "heading"):
        assert torch.equal(getattr(a, name)[:, :, before], getattr(b, name)[:, :, before])
        assert not torch.equal(getattr(a, name)[:, :, ~before], getattr(b, name)[:, :, ~before])


def test_presence_between_two_frames_needs_both():
    position = np.tile(np.arange(5.0)[:, None], (1, 2))[None]
    position[0, 2] = np.nan
    seen = Scene.from_arrays(position, 0.4).resampled(0.2)
    assert seen.present[0, 0].tolist() == [True, True, True, False, False, False, True, True, True]
    assert (seen.position[~seen.present] == 0).all()
    assert (seen.velocity[~seen.present] == 0).all()
    torch.testing.assert_close(seen.position[0, 0, :3, 0], torch.tensor([0.0, 0.5, 1.0]))


def test_one_frame_remains_one_frame():
    seen = line(frames=1, velocity=(1.0, 0.0), dt=0.1).resampled(0.4)
    assert seen.frames == 1


def test_mixed_rates_cannot_be_resampled():
    scene = random_scene()
    scene.dt = torch.tensor([0.4, 0.4, 0.25])
    with pytest.raises(ValueError, match="share dt"):
        scene.resampled(0.2)
