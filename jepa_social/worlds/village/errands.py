"""Errands: somebody with lasting values walks through one open market after the other, in the company of others.

A person has a weight for each kind of thing and a social value orientation, and keeps both; markets, and what the
companion of the day would like to have, are drawn anew. The person walks as all villagers do: to the thing of most
value (less what it denies the companion, see `layout.Batch.valued`) less distance, softmax-rationally step by step.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.worlds.village.scenarios import GOODS, Market
from jepa_social.worlds.village.village import Village

KINDS = len(GOODS)
MARKET = Market(agents=2, goods=KINDS, walls=0.0, moves=0, prosocial=1.2)
BETA, FRAMES = 1.0, 20
BATCH = 4000
NOWHERE = -1


@dataclass
class Errands:
    """T errands of each of B people. Axes: F frames and the start, K kinds of things, one thing of each.

    Attributes:
        path: cells of the person.
        thing: cells of the things.
        wanted: what each is worth to the companion, which is no secret.
        choice: the thing at which the person ended, `NOWHERE` if at none in time.
        values: the truth, for scores and readouts only: weights of kinds, and the orientation, rad.
    """

    path: Int[Tensor, "B T F+1 2"]
    thing: Int[Tensor, "B T K 2"]
    wanted: Float[Tensor, "B T K"]
    choice: Int[Tensor, "B T"]
    values: Float[Tensor, "B K+1"]

    @property
    def known(self) -> Bool[Tensor, "B T"]:
        """Errands that ended somewhere."""
        return self.choice != NOWHERE

    def __getitem__(self, which: tuple[slice, slice]) -> "Errands":
        """Some people, and some of their errands."""
        return Errands(
            self.path[which], self.thing[which], self.wanted[which], self.choice[which], self.values[which[0]]
        )


def draw_values(count: int, seed: int) -> Float[Tensor, "B K+1"]:
    """Values of people of the village: weights ~ N(0, spread^2), orientation ~ U(0, prosocial)."""
    return from_normal(torch.randn(count, KINDS + 1, generator=torch.Generator().manual_seed(seed)))


def from_normal(drawn: Float[Tensor, "*n K+1"]) -> Float[Tensor, "*n K+1"]:
    """Values of which standard normal numbers say how usual they are."""
    orientation = MARKET.prosocial * torch.special.ndtr(drawn[..., -1:])
    return torch.cat((MARKET.spread * drawn[..., :-1], orientation), dim=-1)


def run_errands(values: Float[Tensor, "B K+1"], trips: int, seed: int) -> Errands:
    """Let people run errands: errand t of person b has seed `seed + b * trips + t`."""
    village = Village(MARKET, beta=BETA, limit=FRAMES, observed=1)
    people = values.repeat_interleave(trips, 0)
    parts = []
    for first in range(0, len(people), BATCH):
        mine = people[first : first + BATCH]
        village.reset(range(seed + first, seed + first + len(mine)))
        wanted = village.layout.worth[:, 1].float().clamp(min=0)
        village.layout.worth[:, 0] = mine[:, :-1].to(village.layout.worth)
        village.layout.svo[:, 0] = mine[:, -1].to(village.layout.svo)
        cells = [village.cell[:, 0]]
        for _ in range(FRAMES):
            village.step()
            cells.append(village.cell[:, 0])
        on_it = (cells[-1][:, None] == village.thing).all(-1) & (cells[-1] == cells[-2]).all(-1, keepdim=True)
        choice = torch.where(on_it.any(-1), on_it.int().argmax(-1), NOWHERE)
        parts.append((torch.stack(cells, 1), village.thing, wanted, choice))
    path, thing, wanted, choice = (torch.cat(column).unflatten(0, (-1, trips)) for column in zip(*parts, strict=True))
    return Errands(path, thing, wanted, choice, values)
