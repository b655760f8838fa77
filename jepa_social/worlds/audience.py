"""People who judge the ego: who notices its slips, what they think of it then, and what of that shows.

At each interaction the ego may slip (be rude, clumsy, late), in public or in private. A slip in public is noticed with
probability q, and whoever notices thinks less of the ego: its evaluation falls by `FALL`. Nobody says so. What shows is
a frown: with probability `FROWN[1]` where a slip was noticed, `FROWN[0]` otherwise, people having other cares.

Audiences differ in q. In the ego's past q ~ Beta(0.46 c, 0.54 c), c = `ALIKE`; the one that it meets notices half as
much, q = 0.23: 46 % predicted and 23 % true are the spotlight effect (Gilovich, Medvec & Savitsky 2000).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NOTICED_BEFORE, NOTICED_NOW = 0.46, 0.23
ALIKE = 18.0
FALL = 1.5
FROWN = (0.1, 0.9)
SLIPS = (0.75, 2 / 3)
"""How often the ego slips in logs, and which share of interactions is in public: half of them are public slips."""
HURT = 0.5
"""What a noticed slip costs those who notice it."""


@dataclass
class Witnessed:
    """What happened between N audiences and an ego in T interactions.

    Attributes:
        public, slip: what the ego did and where.
        frown: how they reacted, all that the ego ever sees of it.
        evaluation: 0 or -`FALL`, hidden: for scores, and for logs whose people were asked afterwards.
    """

    public: Bool[Tensor, "N T"]
    slip: Bool[Tensor, "N T"]
    frown: Bool[Tensor, "N T"]
    evaluation: Float[Tensor, "N T"]


def former_audiences(count: int, generator: torch.Generator) -> Float[Tensor, "N"]:
    """q of audiences of the ego's past."""
    # from a table of the density: torch draws Beta variates from the global generator only
    grid = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    log = (NOTICED_BEFORE * ALIKE - 1) * grid.log() + ((1 - NOTICED_BEFORE) * ALIKE - 1) * (1 - grid).log()
    return grid[torch.multinomial(log.softmax(0), count, replacement=True, generator=generator)].float()


def occasions(count: int, steps: int, generator: torch.Generator) -> tuple[Bool[Tensor, "N T"], Bool[Tensor, "N T"]]:
    """Whether in public and whether a slip, drawn as in logs."""
    chance = torch.rand(2, count, steps, generator=generator)
    return chance[0] < SLIPS[1], chance[1] < SLIPS[0]


def react(
    noticing: Float[Tensor, "N"], public: Bool[Tensor, "N T"], slip: Bool[Tensor, "N T"], generator: torch.Generator
) -> Witnessed:
    """What audiences that notice with probability `noticing` think and show of it."""
    chance = torch.rand(2, *slip.shape, generator=generator)
    noticed = public & slip & (chance[0] < noticing[:, None])
    frown = chance[1] < torch.where(noticed, FROWN[1], FROWN[0])
    return Witnessed(public, slip, frown, torch.where(noticed, -FALL, 0.0))
