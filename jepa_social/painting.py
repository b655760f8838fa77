"""Pictures of a scene from above: everybody and everything as a coloured shape, in a frame that the caller chooses."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.scene import KINDS

WALL = -1
"""What `kind` is for a cell of wall."""
GROUND, DARK = (0.93, 0.92, 0.88), (0.24, 0.27, 0.31)
COLOURS = {
    "box": (0.65, 0.55, 0.42),
    "apple": (0.8, 0.1, 0.15),
    "bread": (0.95, 0.75, 0.2),
    "cheese": (0.2, 0.6, 0.3),
    "drink": (0.1, 0.35, 0.8),
    "other": (0.55, 0.55, 0.55),
    "vehicle": (0.45, 0.25, 0.6),
    "cyclist": (0.0, 0.6, 0.7),
    "robot": (0.1, 0.1, 0.1),
    "pedestrian": (0.84, 0.37, 0.0),
}
"""By kind, in the order in which they are painted: boxes lie under goods, people stand on both."""
LEAST = 6
"""Pixels a cell below which things could not be told apart."""
BOX, PEOPLE = KINDS.index("box"), 5


def paint(
    offset: Float[Tensor, "K M 2"],
    kind: Int[Tensor, "K M"],
    ahead: Float[Tensor, "K M 2"],
    shown: Bool[Tensor, "K M"],
    cells: tuple[int, int],
    size: int,
) -> Float[Tensor, "K 3 H W"]:
    """K pictures of `cells` (across, along) metres, `size` pixels a metre, values 0..1: x to the right, y upwards.

    A wall fills its cell, a box nearly, goods its middle; people are diamonds with a dark mark on the side that they
    face. So all that share a cell are visible. Shapes stand upright in the picture, and their order is no matter.

    Args:
        offset: from the middle of the picture, m.
        kind: index into `KINDS`, or `WALL`.
        ahead: unit vector of where it faces; zero: no mark.
        shown: what is there to be painted.

    Raises:
        ValueError: cells of fewer than six pixels.
    """
    if size < LEAST:
        raise ValueError(f"size={size} pixels a cell are too few: use at least {LEAST}")
    x, y = ((torch.arange(n * size, device=offset.device) + 0.5) / size - n / 2 for n in cells)
    right = 2 * (x - offset[..., :1])[:, :, None, :]  # in halves of a cell, [K,M,1,W]
    up = 2 * (y.flip(0) - offset[..., 1:])[..., None]
    square, diamond = torch.maximum(right.abs(), up.abs()), right.abs() + up.abs() < 0.9
    kinds = kind[..., None, None]
    walls, boxes = (kinds == WALL) & (square < 1.0), (kinds == BOX) & (square < 0.95)
    people = (kinds >= 0) & (kinds < PEOPLE) & diamond
    shape = (walls | boxes | people | ((kinds > BOX) & (square < 0.45))) & shown[..., None, None]
    mark = shape & people & (right * ahead[..., :1, None] + up * ahead[..., 1:, None] > 0.4)
    picture = offset.new_tensor(GROUND).view(1, 3, 1, 1).expand(len(offset), 3, *square.shape[-2:])
    layers = [(shape & (kinds == WALL), DARK)]
    layers += [(shape & (kinds == KINDS.index(name)), colour) for name, colour in COLOURS.items()]
    for mask, colour in [*layers, (mark, DARK)]:
        picture = torch.where(mask.any(1)[:, None], offset.new_tensor(colour).view(1, 3, 1, 1), picture)
    return picture
