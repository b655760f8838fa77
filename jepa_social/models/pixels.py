"""Tokens from pixels: a small vision transformer looks at each agent's surroundings instead of being told its state."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from timm.models import VisionTransformer
from torch import Tensor, nn

from jepa_social.models.poses import facing, local
from jepa_social.painting import WALL, paint
from jepa_social.scene import FAR, Scene

GRAIN = 0.01
"""m, and parts of a unit vector, to which a picture is drawn: far below a pixel, far above rounding errors."""


@dataclass(frozen=True)
class Pixels:
    """Sizes of the vision transformer and of what it sees.

    Attributes:
        cells: side of the square that is seen, m; odd, so that the agent stands in the middle of a patch.
        size: pixels a metre, and the side of a patch.
        width: of its tokens. depth, heads: of its blocks.
    """

    cells: int = 3
    size: int = 8
    width: int = 64
    depth: int = 2
    heads: int = 4

    def __post_init__(self):
        if self.cells < 1 or self.cells % 2 == 0:
            raise ValueError(f"model.tokenizer.cells={self.cells} must be odd and positive")

    @property
    def side(self) -> int:
        """Of a picture, in pixels."""
        return self.cells * self.size


def vision_transformer(width: int, pixels: Pixels, average: bool = False) -> VisionTransformer:
    """`[K,3,P,P]` pictures, -1..1, to `[K,width]` (Dosovitskiy et al. 2021), from scratch.

    `average`: of the patches' tokens, in place of the class token's.
    """
    return VisionTransformer(
        img_size=pixels.side,
        patch_size=pixels.size,
        num_classes=width,
        embed_dim=pixels.width,
        depth=pixels.depth,
        num_heads=pixels.heads,
        mlp_ratio=2.0,
        global_pool="avg" if average else "token",
        class_token=not average,
    )


class PixelTokenizer(nn.Module):
    """Embed each (agent, frame) by a picture of what lies around it, turned to where it faces.

    A picture of each agent's own, and not one of the whole frame, for three reasons: what an agent is told stays
    relative to itself, so rigid motions change nothing; it costs few patches; and equal pictures, which are most, are
    encoded once. Who was never seen to move faces nowhere, and is shown its own place only, marks left out.
    Where agents are comes from the tracks, as before; what they are, what lies with them and who stands beside them is
    in the pixels alone.

    Args:
        width: of a token.
        pixels: see `Pixels`.
    """

    def __init__(self, width: int, pixels: Pixels):
        super().__init__()
        self.pixels = pixels
        self.vit = vision_transformer(width, pixels)

    def forward(self, scene: Scene, frame: Bool[Tensor, "B N T"]) -> Float[Tensor, "B N T D"]:
        """Tokens of every agent and frame; absent ones are embedded too and must be masked by the caller.

        Raises:
            ValueError: walls that are not cells of a grid.
        """
        views = self.views(scene, frame)
        kept, back = _unlike(views)
        return self.vit(self.pictures(views[kept]) * 2 - 1)[back].unflatten(0, frame.shape)

    def views(self, scene: Scene, frame: Bool[Tensor, "B N T"]) -> Float[Tensor, "K M 6"]:
        """What each of the K = B·N·T pictures shows of M entities: offset, where it faces, kind, whether it is there.

        It never reads `scene.truth`.
        """
        ahead = facing(scene.heading, frame)
        place, heading, kind, there = scene.position, ahead, scene.kind, scene.present
        if scene.walls is not None:
            place, heading, kind, there = _with_walls(scene.walls, place, heading, kind, there)
        place, heading = (rearrange(v, "b m t c -> b 1 t m c") for v in (place, heading))
        own = ahead[:, :, :, None]
        apart = place - scene.position[:, :, :, None]
        near = apart.abs().amax(-1) < 0.5
        offset, course = local(apart, own), local(heading, own)
        inside = offset.abs().amax(-1) < self.pixels.cells / 2 + 0.5
        shown = rearrange(there, "b m t -> b 1 t m") & torch.where(frame[..., None], inside, near)
        kinds = kind[:, None, None].expand_as(shown)
        view = torch.cat((offset, course, kinds[..., None], torch.ones_like(shown)[..., None]), dim=-1)
        exact = ((view / GRAIN).round() * GRAIN) * shown[..., None]
        return exact.flatten(0, 2)

    def pictures(self, views: Float[Tensor, "K M 6"]) -> Float[Tensor, "K 3 P P"]:
        """RGB, 0..1, of `views`."""
        offset, ahead, kind, shown = views.split((2, 2, 1, 1), dim=-1)
        cells = (self.pixels.cells, self.pixels.cells)
        return paint(offset, kind[..., 0].round().long(), ahead, shown[..., 0] > 0, cells, self.pixels.size)


def _with_walls(walls: Tensor, place: Tensor, heading: Tensor, kind: Tensor, there: Tensor) -> tuple[Tensor, ...]:
    """Append the cells of walls, of which `Scene.walls` holds the diagonals, to what there is to see."""
    frames = place.shape[2]
    real = (walls.abs() < FAR).all(-1)
    length = (walls[..., 2:] - walls[..., :2]).norm(dim=-1)
    if not torch.compiler.is_compiling() and bool((real & (length > 1.5)).any()):
        raise ValueError("a picture can show walls that are cells of a grid only: use the default tokenizer here")
    middle = ((walls[..., :2] + walls[..., 2:]) / 2)[:, :, None].expand(-1, -1, frames, -1)
    return (
        torch.cat((place, middle), dim=1),
        torch.cat((heading, torch.zeros_like(middle)), dim=1),
        torch.cat((kind, torch.full_like(walls[..., 0], WALL, dtype=kind.dtype)), dim=1),
        torch.cat((there, real[..., None].expand(-1, -1, frames)), dim=1),
    )


def _unlike(views: Float[Tensor, "K M 6"]) -> tuple[Int[Tensor, "U"], Int[Tensor, "K"]]:
    """One row of every kind of row, and which of them each row is; rows of equal 64-bit sums count as equal."""
    whole = torch.arange(len(views), device=views.device)
    if torch.compiler.is_compiling():  # a program cannot know how many there are
        return whole, whole
    chance = torch.Generator().manual_seed(0)
    factor = torch.randint(-(2**62), 2**62, views.shape[1:], generator=chance).to(views.device)
    sums = ((views / GRAIN).round().long() * factor).sum((-2, -1))
    found, back = sums.unique(return_inverse=True)
    return torch.empty_like(found).scatter_(0, back, whole), back
