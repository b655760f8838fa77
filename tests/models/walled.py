"""Scenes with walls, and models that heed them without having been trained to."""

from typing import TypeVar

import torch

from jepa_social.models.walls import Walls
from jepa_social.scene import FAR, Scene

Module = TypeVar("Module", bound=torch.nn.Module)


def walled(scene: Scene, walls: int = 4, seed: int = 0) -> Scene:
    """`scene` with random walls, one of them padding in the first scene."""
    middle, half = torch.randn(2, len(scene), walls, 2, generator=torch.Generator().manual_seed(seed))
    new = scene.clone(False)
    new.walls = torch.cat((4 * middle - 2 * half, 4 * middle + 2 * half), dim=-1)
    new.walls[0, 1] = FAR
    return new


def heeding_walls(model: Module) -> Module:
    """Untrained, walls add nothing: make them count, in place."""
    for module in model.modules():
        if isinstance(module, Walls):
            torch.nn.init.normal_(module.add.weight, std=0.5)
    return model
