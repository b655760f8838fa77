"""Things on a menu as pictures: somebody who chooses sees what is on offer, and nobody tells the features.

Each of the five features of a thing shows as a visual attribute, through u = (1 + tanh(0.6 x)) / 2, which is bounded:

    0  hue          nine tenths of the wheel, so that no channel of colour rises with it
    1  size         the mean radius goes from 3.4 to 7 pixels of 24
    2  elongation   from wide to tall, of the same area
    3  shade        from a dark middle with a light rim to the reverse
    4  brightness   of the surface

The rest is nuisance: where in the picture the thing lies, how it is tilted, how light and of what tint the ground is,
and noise on every pixel. A thing is photographed once: wherever it is offered, it looks the same.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from jepa_social.worlds.menus import VALUES, generator

ATTRIBUTES = ("hue", "size", "elongation", "shade", "brightness")
SQUASH = 0.6
RADIUS, SHIFT = (0.14, 0.29), 0.12
"""Least and greatest radius, and how far off the middle a thing may lie, as shares of the picture's side."""
SLENDER, TILT = 1.8, 0.2
"""Log of the greatest ratio of height to width, times 2; rad to either side."""
HUES, SATURATION, BRIGHT = 0.9, 0.8, (0.3, 0.62)
CONTRAST = 0.6
"""Of the middle and the rim against the mean, at the most."""
GROUND, TINT, NOISE = (0.25, 0.9), 0.1, 0.04
_SEEDS = 2 * 10**9
"""Between seeds of people and those of pictures: chance that made values must not show in the noise."""
_BLOCK = 4096


def paint_things(features: Float[Tensor, "M V"], side: int, seed: int) -> UInt8[Tensor, "M 3 P P"]:
    """RGB pictures of `side` pixels, 0..255; the same for the same seed.

    Raises:
        ValueError: `seed` is negative, or features are not `VALUES` in number.
    """
    if features.shape[-1] != VALUES:
        raise ValueError(f"a thing has {VALUES} features, got {features.shape[-1]}")
    generator(seed)  # refuses what is no seed
    chance = generator(seed + _SEEDS)
    blocks = [_paint(block, side, chance) for block in features.split(_BLOCK)]
    return torch.cat(blocks) if blocks else torch.empty(0, 3, side, side, dtype=torch.uint8)


def _paint(features: Tensor, side: int, chance: torch.Generator) -> Tensor:
    count = len(features)
    hue, size, slender, core, bright = ((1 + (SQUASH * features).tanh()) / 2)[..., None, None].unbind(1)
    left, up, tilt, ground = torch.rand(4, count, 1, 1, generator=chance)
    x = (torch.arange(side) + 0.5) / side - 0.5
    x, y = x - _within(left, (-SHIFT, SHIFT)), x[:, None] - _within(up, (-SHIFT, SHIFT))
    angle = _within(tilt, (-TILT, TILT))
    across, along = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    stretch = (SLENDER * (slender - 0.5) / 2).exp()
    reach = ((across * stretch).square() + (along / stretch).square()).sqrt()
    inside = ((_within(size, RADIUS) - reach) * side + 0.5).clamp(0, 1)  # an edge as wide as a pixel
    middle = 1 - 2 * (reach / _within(size, RADIUS)).square()
    surface = _within(bright, BRIGHT) * (1 + CONTRAST * (2 * core - 1) * middle)
    channel = torch.tensor([0.0, 2 / 3, 1 / 3])[:, None, None]
    away = ((HUES * hue[:, None] + channel) % 1 * 6 - 3).abs() - 1  # of a wheel of hues: red at 0, green at 1/3
    colour = 1 - SATURATION * (1 - away.clamp(0, 1))
    tint = 2 * torch.rand(count, 3, 1, 1, generator=chance) - 1
    light = _within(ground, GROUND)[:, None] + TINT * tint
    picture = light + inside[:, None] * (surface[:, None] * colour - light)
    picture = picture + NOISE * torch.randn(picture.shape, generator=chance)
    return (picture * 255).round().clamp(0, 255).to(torch.uint8)


def _within(share: Tensor, ends: tuple[float, float]) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * share
