"""What happens in a village: scenarios that draw a `VillageLayout` from a generator."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jepa_social.scene import KINDS
from jepa_social.worlds.village.layout import VillageLayout

BOX = KINDS.index("box")
GOODS = tuple(KINDS.index(name) for name in ("apple", "bread", "cheese", "drink"))


class VillageScenario(Protocol):
    """Draws scenes."""

    @property
    def name(self) -> str:
        """What its recordings are called."""
        ...

    def layout(self, rng: np.random.Generator) -> VillageLayout:
        """One scene."""
        ...


@dataclass(frozen=True)
class FalseBelief:
    """Sally-Anne: one thing, in one of four boxes, is moved to another while its seeker may or may not look.

    Things 0..3 are the boxes, 4 is what is sought, or 4..7 if the goal is hidden: then every box has a thing of its
    own kind, two change places and one of all four is wanted.

    Attributes:
        size: of the square grid.
        corner: each box lies in the corner square of this size, one a corner.
        time: frame of the swap.
        away: least steps between the seeker and what it seeks at the start.
        hidden_goal: see above.
        watcher: a second agent stands by, who wants nothing and sees who sees what.
        ignorant: the seeker does not know where its thing is, unless it sees it being moved. Until then it goes for a
            second best, thing 5, in a third box, from which `away` counts.
        company: a second agent seeks the thing too, and the first comes to meet it: it goes where it thinks that the
            second will look, judging by what that one had in view, and not by where it walks.
    """

    size: int = 9
    corner: int = 3
    time: int = 3
    away: int = 4
    hidden_goal: bool = False
    watcher: bool = False
    ignorant: bool = False
    company: bool = False
    name: str = "false_belief"

    def __post_init__(self):
        if self.ignorant + self.hidden_goal + self.company > 1 or (self.watcher and self.company):
            raise ValueError("scenario: choose one of hidden_goal, ignorant and company, and company without watcher")

    def layout(self, rng: np.random.Generator) -> VillageLayout:
        """One scene."""
        near = rng.integers(0, self.corner, (4, 2))
        side = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        boxes = np.where(side == 0, near, self.size - 1 - near)[rng.permutation(4)]
        held = [0, 2] if self.ignorant else list(range(4 if self.hidden_goal else 1))  # boxes with something in them
        goods = len(held)
        while np.abs((start := rng.integers(0, self.size, 2)) - boxes[held[self.ignorant]]).sum() < self.away:
            pass
        kind = rng.permutation(GOODS) if self.hidden_goal else np.array(GOODS[:goods])
        swap = [(self.time, 4, *boxes[1]), *((self.time, 5, *boxes[0]) for _ in range(self.hidden_goal))]
        wanted = 4 + (rng.integers(2) if self.hidden_goal else 0)
        agents = 1 + (self.watcher or self.company)
        worth = np.full((agents, 4 + goods), -np.inf)
        worth[: 1 + self.company, wanted] = 0.0
        known = np.ones((agents, 4 + goods), bool)
        if self.ignorant:
            worth[0, 5], known[0, 4] = -4.0 * self.size, False
        stand = [start]
        if self.watcher:
            while (other := rng.integers(self.corner, self.size - self.corner, 2)).tolist() == start.tolist():
                pass
            stand.append(other)
        if self.company:
            while np.abs((other := rng.integers(0, self.size, 2)) - boxes[0]).sum() < self.away:
                pass
            stand.append(other)
        return VillageLayout(
            walls=np.zeros((self.size, self.size), bool),
            start=np.array(stand),
            thing=np.concatenate((boxes, boxes[held])),
            kind=np.concatenate((np.full(4, BOX), kind)),
            boxed=np.arange(4 + goods) >= 4,
            known=known,
            worth=worth,
            svo=np.zeros(agents),
            meets=np.array([1, -1] if self.company else [-1] * agents),
            event=np.array(swap),
        )


@dataclass(frozen=True)
class Market:
    """Several people with values of their own among open goods and walls; goods are moved now and then.

    Attributes:
        size: of the square grid.
        agents, goods: how many.
        walls: share of cells that are walls.
        moves: how many times a good is moved.
        until: latest frame of a move.
        spread: standard deviation of what a good is worth to somebody, in steps.
        prosocial: greatest social value orientation, rad.
    """

    size: int = 9
    agents: int = 4
    goods: int = 4
    walls: float = 0.1
    moves: int = 2
    until: int = 10
    spread: float = 4.0
    prosocial: float = 0.7
    name: str = "market"

    def layout(self, rng: np.random.Generator) -> VillageLayout:
        """One scene."""
        cells = np.stack(np.meshgrid(np.arange(self.size), np.arange(self.size), indexing="ij"), -1).reshape(-1, 2)
        cells = cells[rng.permutation(len(cells))]
        blocked = np.zeros((self.size, self.size), bool)
        solid = cells[self.agents + 2 * self.goods :][: int(self.walls * len(cells))]
        blocked[solid[:, 0], solid[:, 1]] = True
        spare = cells[self.agents + self.goods : self.agents + 2 * self.goods]
        event = np.array(
            [(rng.integers(1, self.until), good, *spare[good]) for good in rng.permutation(self.goods)[: self.moves]],
            dtype=np.int64,
        ).reshape(-1, 4)
        return VillageLayout(
            walls=blocked,
            start=cells[: self.agents],
            thing=cells[self.agents : self.agents + self.goods],
            kind=np.array(GOODS)[np.arange(self.goods) % len(GOODS)],
            boxed=np.zeros(self.goods, bool),
            known=np.ones((self.agents, self.goods), bool),
            worth=rng.normal(0.0, self.spread, (self.agents, self.goods)),
            svo=rng.uniform(0.0, self.prosocial, self.agents),
            meets=np.full(self.agents, -1),
            event=event,
        )
