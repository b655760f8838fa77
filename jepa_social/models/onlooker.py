"""`Onlooker`: a `PersonModel` that looks at what people choose from, instead of being told its features.

    a_k = vit(picture of act k) - mean over the acts,        situation = (what else is known, mean over acts of g(a_k)).

The vision transformer learns from choices alone, and first: what somebody took elsewhere, counted, has to foretell
what they take here (`resemblance`). Through the loss of the whole model it would learn too, but hardly: a feature is of
no use to a memory before it is one to a forecast, and the reverse. A situation is a set: the order of the acts changes
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from timm.layers import Mlp
from torch import Tensor, nn

from jepa_social.models.person import Interactions, PersonModel
from jepa_social.models.pixels import Pixels, vision_transformer

BLOCK = 4096
"""Pictures that are looked at together."""
KEEN = -2.5
"""Where the weight of what was counted starts, before the softplus: small, so that it cannot mislead."""


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
        self.vit = vision_transformer(look, Pixels(**pixels), average=True)
        self.scale = nn.BatchNorm1d(look, affine=False)
        self.keen = nn.Linear(situation, 1)
        nn.init.constant_(self.keen.bias, KEEN)
        self.company = Mlp(look, 2 * look, act_layer=nn.SiLU)

    def see(self, sights: Sights) -> Interactions:
        """What is made of pictures; each is looked at once, wherever it is offered."""
        acts = _apart(self.scale(self._look(sights.pictures)), sights)
        situation = torch.cat((sights.situation, self.company(acts).mean(-2)), dim=-1)
        return Interactions(situation, acts, sights.choice, sights.known)

    def resemblance(self, sights: Sights) -> Float[Tensor, "B T"]:
        """Negative log-likelihood (nats) of each choice by how much each act is like all that the person took in the
        other interactions, with a weight that depends on the situation; all must be known."""
        acts = _apart(self._look(sights.pictures), sights)
        logs = Interactions(sights.situation, acts, sights.choice, sights.known)
        others = logs.act.sum(1, keepdim=True) - logs.act
        like = torch.einsum("btka,bta->btk", acts, others) * F.softplus(self.keen(sights.situation))
        return -like.log_softmax(-1).gather(-1, sights.choice[..., None])[..., 0]

    def _look(self, pictures: Tensor) -> Float[Tensor, "M A"]:
        return torch.cat([self.vit(some / 127.5 - 1) for some in pictures.split(BLOCK)])


def _apart(looks: Float[Tensor, "M A"], sights: Sights) -> Float[Tensor, "B T K A"]:
    """Each act relative to the mean of those that were possible."""
    acts = looks[sights.offered]
    return acts - acts.mean(-2, keepdim=True)
