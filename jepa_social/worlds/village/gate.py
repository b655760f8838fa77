"""A gate one cell wide: people who cross it day after day, meet there, and remember how it went."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.worlds.village.layout import VillageLayout
from jepa_social.worlds.village.manners import INSIST, Manners
from jepa_social.worlds.village.scenarios import GOODS
from jepa_social.worlds.village.village import Village

NIGHT = 10_000
"""Seeds between one day of a village and the next."""


@dataclass(frozen=True)
class Gate:
    """Two rooms and an opening of one cell between them; everybody wants to get to the far end of the other room.

    Attributes:
        size: of the square grid, odd.
        agents: how many, every other one in each room.
    """

    size: int = 7
    agents: int = 4
    name: str = "gate"

    def __post_init__(self):
        if self.size < 5 or self.size % 2 == 0 or not 1 <= self.agents <= 2 * self.size:
            raise ValueError("scenario: a gate needs an odd size of at least 5, and 1 to 2 * size agents")

    def layout(self, rng: np.random.Generator) -> VillageLayout:
        """One scene."""
        middle, n = self.size // 2, self.agents
        walls = np.zeros((self.size, self.size), bool)
        walls[middle] = True
        walls[middle, middle] = False
        room = np.stack(np.meshgrid(np.arange(middle), np.arange(self.size), indexing="ij"), -1).reshape(-1, 2)
        start, thing = np.empty((n, 2), np.int64), np.empty((n, 2), np.int64)
        for side in (0, 1):
            mine = np.arange(n)[side::2]
            here = room[rng.permutation(len(room))[: len(mine)]]
            there = np.stack((np.full(len(mine), self.size - 1), rng.permutation(self.size)[: len(mine)]), -1)
            start[mine], thing[mine] = (here, there) if side == 0 else (self.size - 1 - here, self.size - 1 - there)
        return VillageLayout(
            walls=walls,
            start=start,
            thing=thing,
            kind=np.array(GOODS)[np.arange(n) % len(GOODS)],
            boxed=np.zeros(n, bool),
            known=np.ones((n, n), bool),
            worth=np.where(np.eye(n, dtype=bool), 0.0, -np.inf),
            svo=np.zeros(n),
            meets=np.full(n, -1),
            event=np.zeros((0, 4), np.int64),
        )


@dataclass
class Meetings:
    """M contests of E villages in order of time, each of them twice: as either of the two has lived through it.

    Attributes:
        scene, day, me, other: which village, when, and who with whom.
        mine, theirs: moves, `manners.YIELD` or `INSIST`.
        order: 1: I had waited longer, -1: the other had, 0: neither.
        crossing: `[E,D,N]` frames that it took to get there, each day; all of them if one did not.
    """

    scene: Int[Tensor, "M"]
    day: Int[Tensor, "M"]
    me: Int[Tensor, "M"]
    other: Int[Tensor, "M"]
    mine: Int[Tensor, "M"]
    theirs: Int[Tensor, "M"]
    order: Int[Tensor, "M"]
    crossing: Int[Tensor, "E D N"]

    def __len__(self) -> int:
        return len(self.scene)

    @property
    def clash(self) -> Bool[Tensor, "M"]:
        """Both insisted."""
        return (self.mine == INSIST) & (self.theirs == INSIST)

    def rows(self, which: Tensor) -> "Meetings":
        """Some of the contests."""
        kept = {k: v[which] for k, v in vars(self).items() if k != "crossing"}
        return Meetings(**kept, crossing=self.crossing)

    def over_scenes(self, value: Float[Tensor, "M"]) -> np.ndarray:
        """Mean over each village's contests `[E]`; NaN where there were none."""
        return over_scenes(value, self.scene, len(self.crossing))


Night = Callable[[int, Manners], Manners]


class Decider(Protocol):
    """Agent 0 of each village: whoever moves in contests by no rule of `manners`."""

    def choose(self, who: Int[Tensor, "P"], order: Int[Tensor, "P"]) -> Int[Tensor, "P"]:
        """Moves towards villagers `who` = scene * (N - 1) + agent - 1; `order` as in `Meetings`."""
        ...

    def observe(
        self, who: Int[Tensor, "P"], mine: Int[Tensor, "P"], theirs: Int[Tensor, "P"], order: Int[Tensor, "P"]
    ) -> None:
        """What came of it; `who` are different."""
        ...


def joined(parts: Sequence[Meetings]) -> Meetings:
    """Frames or days of the same villages, one after the other."""
    columns = {name: torch.cat([vars(part)[name] for part in parts]) for name in vars(parts[0]) if name != "crossing"}
    return Meetings(**columns, crossing=torch.cat([part.crossing for part in parts], 1))


def over_scenes(value: Float[Tensor, "M"], scene: Int[Tensor, "M"], count: int) -> np.ndarray:
    """Mean of the values of each of `count` scenes; NaN where there are none."""
    total = torch.zeros(count, dtype=torch.float64).index_add_(0, scene, value.double())
    many = torch.bincount(scene, minlength=count)
    return (total / torch.where(many > 0, many, torch.nan)).numpy()


class Days:
    """Villages at a gate, day after day.

    Args:
        seeds: of the first day of each.
        manners: who lives there.
        agents, frames: how many people, and how long a day lasts.
        night: renews what people remember, from the number of the next day and their manners; by default nothing.
    """

    def __init__(
        self, seeds: Sequence[int], manners: Manners, agents: int = 4, frames: int = 40, night: Night | None = None
    ):
        self.village = Village(Gate(agents=agents), limit=frames, observed=1)
        self.seeds, self.manners, self.night = seeds, manners, night
        self.crossing: list[Tensor] = []

    def live(self, days: int, ego: Decider | None = None) -> Meetings:
        """The next days; everybody, or everybody but the ego, follows a rule."""
        return joined([part for _ in range(days) for part in self.frames(ego)])

    def frames(self, ego: Decider | None = None) -> Iterator[Meetings]:
        """The next day, frame by frame; crossings are known with the last of them."""
        village, day = self.village, len(self.crossing)
        if day and self.night is not None:
            self.manners = self.night(day, self.manners)
        self.manners = replace(self.manners, waited=torch.zeros_like(self.manners.waited))
        village.reset([seed + NIGHT * day for seed in self.seeds], self.manners)
        took = torch.full_like(village.done, village.limit, dtype=torch.long)
        none = took[:, None][:, :0]
        for frame in range(1, village.limit + 1):
            parts = self._step(day, ego)
            took = torch.where(village.done & (took == village.limit), frame, took)
            yield Meetings(*parts, crossing=took[:, None] if frame == village.limit else none)
        self.crossing.append(took)

    def _step(self, day: int, ego: Decider | None) -> tuple[Tensor, ...]:
        before = self.manners

        def decide(contest: Tensor, longer: Tensor) -> Tensor:
            move = torch.full_like(longer, -1)
            scene, other = contest[:, 0].nonzero(as_tuple=True)
            if ego is not None and len(scene):
                move[scene, 0, other] = ego.choose(self._who(scene, other), longer[scene, 0, other])
            return move

        self.village.step(decide=decide)
        after = self.village.manners
        assert after is not None
        self.manners = after
        scene, me, other = (after.met != before.met).nonzero(as_tuple=True)
        mine, theirs = after.mine[scene, me, other], after.mine[scene, other, me]
        order = before.longer()[scene, me, other]
        if ego is not None and bool((me == 0).any()):
            his = me == 0
            ego.observe(self._who(scene[his], other[his]), mine[his], theirs[his], order[his])
        return scene, torch.full_like(scene, day), me, other, mine, theirs, order

    def _who(self, scene: Tensor, other: Tensor) -> Tensor:
        return scene * (self.manners.rule.shape[1] - 1) + other - 1
