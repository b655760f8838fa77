"""Villages as RGB pictures, for encoders that see pixels."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.scene import KINDS
from jepa_social.worlds.village.village import Village

GROUND, WALL = (0.93, 0.92, 0.88), (0.24, 0.27, 0.31)
COLOURS = {
    "pedestrian": (0.84, 0.37, 0.0),
    "box": (0.65, 0.55, 0.42),
    "apple": (0.8, 0.1, 0.15),
    "bread": (0.95, 0.75, 0.2),
    "cheese": (0.2, 0.6, 0.3),
    "drink": (0.1, 0.35, 0.8),
}
"""By kind; whoever faces somewhere has a dark mark on that side."""


def render(village: Village, size: int = 8) -> Float[Tensor, "E 3 W H"]:
    """The present state, `size` pixels a cell, values 0..1: x to the right, y upwards.

    A box fills its cell, goods its middle, people a diamond: all that share a cell are visible. What anybody believes
    is not in the picture.

    Raises:
        ValueError: cells of fewer than six pixels, in which things could not be told apart.
    """
    if size < 6:
        raise ValueError(f"size={size} pixels a cell are too few: use at least 6")
    layout = village.layout
    e, x, y = layout.walls.shape
    picture = torch.tensor(GROUND).view(1, 3, 1, 1, 1, 1).expand(e, 3, x, size, y, size).clone()
    solid = layout.walls[:, None, :, None, :, None].expand_as(picture)
    picture = torch.where(solid, torch.tensor(WALL).view(1, 3, 1, 1, 1, 1), picture)
    middle = (torch.arange(size) - (size - 1) / 2).abs() / (size / 2)
    square = torch.maximum(middle[:, None], middle[None])
    shapes = {"box": square < 0.95, "pedestrian": middle[:, None] + middle[None] < 0.9}
    goods = square < 0.45
    for k in range(village.thing.shape[1]):
        for kind in layout.kind[layout.things[:, k], k].unique().tolist():
            rows = (layout.things[:, k] & (layout.kind[:, k] == kind)).nonzero()[:, 0]
            _paint(picture, rows, village.thing[rows, k], shapes.get(KINDS[kind], goods), COLOURS[KINDS[kind]])
    along = (torch.arange(size) - (size - 1) / 2) / (size / 2)
    for n in range(village.cell.shape[1]):
        rows = layout.agents[:, n].nonzero()[:, 0]
        _paint(picture, rows, village.cell[rows, n], shapes["pedestrian"], COLOURS["pedestrian"])
        for way in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            facing = rows[(village.facing[rows, n] == torch.tensor(way)).all(-1)]
            mark = (along[:, None] * way[0] + along[None] * way[1] > 0.4) & shapes["pedestrian"]
            _paint(picture, facing, village.cell[facing, n], mark, WALL)
    return picture.reshape(e, 3, x * size, y * size).transpose(2, 3).flip(2)


def _paint(picture: Tensor, rows: Tensor, cell: Tensor, shape: Tensor, colour: tuple[float, float, float]) -> None:
    """Colour the pixels `shape [size,size]` of one cell in each of the scenes `rows`."""
    patch = picture[rows, :, cell[:, 0], :, cell[:, 1]]
    picture[rows, :, cell[:, 0], :, cell[:, 1]] = torch.where(shape, torch.tensor(colour).view(3, 1, 1), patch)
