"""`Onlooker`: a `PersonModel` that looks at what people choose from, instead of being told its features.

    a_k = vit(picture of act k) - mean over the acts,        situation = (what else is known, mean over acts of g(a_k)).

The vision transformer learns from choices alone, through the same loss as all the rest: what tells nothing of what
people choose need not be seen. A situation is a set: the order of the acts changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from timm.layers import Mlp
from torch import Tensor, nn

from jepa_social.models.person import Interactions, PersonModel
from jepa_social.models.pixels import Pixels, vision_transformer

BLOCK = 4096
"""Pictures that are looked at together."""


@dataclass
class Sights:
    """Logs of B persons, T interactions each, as seen.

    Attributes:
        situation: what is known of each interaction besides.
        pictures: of M things, RGB, 0..255.
        offered: which of them the K acts are about.
        choice: which was done.
        known: whether the interaction was observed at all.
    """

    situation: Float[Tensor, "B T F"]
    pictures: UInt8[Tensor, "M 3 P P"]
    offered: Int[Tensor, "B T K"]
    choice: Int[Tensor, "B T"]
    known: Bool[Tensor, "B T"]


class Onlooker(PersonModel):
    """`see` turns pictures into the `Interactions` that the methods of a `PersonModel` take.

    Args:
        situation: features of a situation (F) that are told.
        pixels: sizes of the vision transformer (`Pixels`).
        look: of what it makes of a picture, and of all that is on offer together.
        width, depth, heads, window: see `PersonModel`.
    """

    def __init__(
        self,
        situation: int,
        pixels: Mapping[str, int],
        look: int = 32,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        window: int = 256,
    ):
        super().__init__(situation + look, look, width, depth, heads, window)
        self.sizes = {"situation": situation, "pixels": dict(pixels), "look": look} | {
            name: self.sizes[name] for name in ("width", "depth", "heads", "window")
        }
        self.vit = vision_transformer(look, Pixels(**pixels))
        self.company = Mlp(look, 2 * look, act_layer=nn.SiLU)

    def see(self, sights: Sights) -> Interactions:
        """What is made of pictures; each is looked at once, wherever it is offered."""
        looks = torch.cat([self.vit(some / 127.5 - 1) for some in sights.pictures.split(BLOCK)])
        acts = looks[sights.offered]
        acts = acts - acts.mean(-2, keepdim=True)
        situation = torch.cat((sights.situation, self.company(acts).mean(-2)), dim=-1)
        return Interactions(situation, acts, sights.choice, sights.known)
