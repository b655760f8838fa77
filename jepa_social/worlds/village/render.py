"""Villages as RGB pictures, for encoders that see pixels."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.painting import WALL, paint
from jepa_social.worlds.village.village import PEDESTRIAN, Village


def render(village: Village, size: int = 8) -> Float[Tensor, "E 3 H W"]:
    """The present state of the whole grid, `size` pixels a cell, as `paint` draws it. What anybody believes is not in
    the picture.

    Raises:
        ValueError: cells of fewer than six pixels, in which things could not be told apart.
    """
    layout = village.layout
    e, x, y = layout.walls.shape
    grid = torch.stack(torch.meshgrid(torch.arange(x), torch.arange(y), indexing="ij"), -1).flatten(0, 1)
    place = torch.cat((village.cell, village.thing, grid.expand(e, -1, -1)), dim=1).float()
    person, wall = torch.full_like(village.cell[..., 0], PEDESTRIAN), torch.full((e, x * y), WALL)
    ahead = torch.zeros_like(place)
    ahead[:, : village.cell.shape[1]] = village.facing.float()
    middle = torch.tensor([(x - 1) / 2, (y - 1) / 2])
    kind = torch.cat((person, layout.kind, wall), dim=1)
    shown = torch.cat((layout.agents, layout.things, layout.walls.flatten(1)), dim=1)
    return paint(place - middle, kind, ahead, shown, (x, y), size)
