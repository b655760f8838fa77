"""The shapes that annotations promise are checked while tests run (see `conftest.py`)."""

import pytest
import torch
from jaxtyping import TypeCheckError

from jepa_social.mind.motion import MotionReadout
from jepa_social.models.diagnostics import effective_rank
from jepa_social.models.latents import Latents
from jepa_social.planning.imagined import Imagined
from tests.conftest import random_scene


def test_wrong_shapes_are_caught_in_every_checked_room():
    scene = random_scene()
    with pytest.raises(TypeCheckError):
        effective_rank(torch.zeros(3, 4, 5))
    with pytest.raises(TypeCheckError):
        Latents(torch.zeros(3, 5, 12, 8), torch.zeros(3, 5, 11, dtype=torch.bool), scene)
    anchor = Latents(torch.zeros(3, 5, 12, 8), scene.present, scene).at()
    with pytest.raises(TypeCheckError):
        MotionReadout(8)(anchor, torch.zeros(3, 1, 5, 8))
    with pytest.raises(TypeCheckError):
        Imagined(
            actions=torch.zeros(1, 2, 6, 2),
            ego=torch.zeros(1, 2, 6, 2),
            people=torch.zeros(1, 1, 3, 7, 2),
            people_velocity=torch.zeros(1, 3, 2),
            exists=torch.ones(1, 3, dtype=torch.bool),
            reach=torch.ones(1, 3),
            radius=torch.ones(1),
            velocity=torch.zeros(1, 2),
            goal=torch.zeros(1, 2),
            aim=torch.zeros(1, 2),
            speed=torch.ones(1),
            dt=torch.ones(1),
        )
