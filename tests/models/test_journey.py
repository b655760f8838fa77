"""Laws of journeys: where a latent's frame is carried, told in the frame that it is imagined from."""

import torch

from jepa_social.geometry import rotate
from jepa_social.models.journey import coasting, journey
from jepa_social.models.latents import Anchor, Latents
from jepa_social.scene import Scene
from jepa_social.stages.rollouts import draw_rollouts
from tests.conftest import random_scene


def anchored(scene: Scene) -> tuple[Anchor, torch.Tensor]:
    """Frame 7 of a scene of 12, and the positions of the four after it."""
    state = torch.zeros(*scene.present.shape, 4)
    rollouts = draw_rollouts(Latents(state, scene.present, scene), [7], 4, free=1.0)
    return rollouts.anchor, rollouts.gather(scene.position)


def test_who_walks_on_as_before_goes_nowhere(scene):
    anchor, _ = anchored(scene)
    assert journey(anchor, coasting(anchor, 4)).abs().max() == 0
    torch.testing.assert_close(coasting(anchor, 4)[:, :, 2], anchor.position + 3 * 0.4 * anchor.velocity)


def test_ahead_and_to_the_left_of_where_one_would_be():
    anchor, _ = anchored(random_scene(gaps=False))
    turn = anchor.heading[:, :, None].expand(-1, -1, 4)
    step = torch.tensor([2.0, 0.5]).expand(*turn.shape, 2)
    torch.testing.assert_close(journey(anchor, coasting(anchor, 4) + rotate(step, turn)), step, atol=1e-4, rtol=1e-4)


def test_rigid_motion_changes_nothing_and_without_a_heading_there_is_no_journey():
    scene = random_scene(gaps=False)
    anchor, future = anchored(scene)
    angle = torch.tensor(0.7)
    turned = Scene.from_arrays(rotate(scene.position, angle) + torch.tensor([30.0, -8.0]), 0.4)
    again, moved = anchored(turned)
    torch.testing.assert_close(journey(again, moved), journey(anchor, future), atol=2e-4, rtol=1e-4)
    anchor.oriented = torch.zeros_like(anchor.oriented)
    assert not journey(anchor, future).any()
