"""Scenarios: how a seed becomes a scene for the ego and 1 to 30 people.

Each scenario is a small dataclass whose `layout` draws starts, goals, walls and groups from the generator of one seed,
so that the scene of a seed is the same in every batch and process. Person 0 is the ego. Coordinates are metres.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jepa_social.worlds.layout import APART, Layout, Spot, place

GAP = 0.2
"""m free between discs at the start (CrowdNav's discomfort distance)."""

FRESH = 12
"""How many goals a wanderer has in store."""


@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """Base of all scenarios.

    Attributes:
        wander: people who arrive set out for a fresh goal (another person's goal, in random order) instead of standing.
    """

    name: ClassVar[str]
    wander: bool = False

    @abstractmethod
    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """Draw the scene of people with `radius [n]` (m, the ego's first).

        Raises:
            ValueError: there is no room for so many people.
        """

    def routes(self, rng: np.random.Generator, start: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Goals `[n,G,2]`: the first is `goal`; wanderers go on to the places where others started or ended."""
        if not self.wander:
            return goal[:, None]
        places = np.concatenate((start[1:], goal[1:]))
        later = places[rng.integers(len(places), size=(len(goal), FRESH))]
        later[0] = goal[0]
        return np.concatenate((goal[:, None], later), axis=1)


def _ego(x0: float, y0: float, x1: float, y1: float) -> Spot:
    return np.array((x0, y0)), np.array((x1, y1))


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)])


@dataclass(frozen=True, kw_only=True)
class CircleCrossing(Scenario):
    """CrowdNav's circle (Chen et al. 2019): everybody crosses to the opposite point, the ego from (0, -r) to (0, r).

    Attributes:
        radius: m; 4 is the standard. It grows with more than 20 people, who would not fit.
        noise: m, uniform noise in [-noise, noise] on each coordinate of a start (0.5 in CrowdNav).
    """

    name: ClassVar[str] = "circle_crossing"
    radius: float = 4.0
    noise: float = 0.5

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        ring = max(self.radius, 0.19 * len(radius))

        def draw(_: int) -> Spot:
            angle = rng.random() * 2 * np.pi
            start = ring * np.array((np.cos(angle), np.sin(angle))) + rng.uniform(-self.noise, self.noise, 2)
            return start, -start

        start, goal = place(radius, _ego(0, -ring, 0, ring), draw, GAP, self.name, apart=0.0)
        return Layout(start, self.routes(rng, start, goal))


@dataclass(frozen=True, kw_only=True)
class SquareCrossing(Scenario):
    """CrowdNav's square: from one half of a square to the other; the ego crosses at right angles.

    Attributes:
        side: m, 10 in CrowdNav.
    """

    name: ClassVar[str] = "square_crossing"
    side: float = 10.0

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""

        def draw(_: int) -> Spot:
            sign = rng.choice((-1.0, 1.0))
            start = self.side * np.array((0.5 * sign * rng.random(), rng.random() - 0.5))
            goal = self.side * np.array((-0.5 * sign * rng.random(), rng.random() - 0.5))
            return start, goal

        start, goal = place(radius, _ego(0, -4, 0, 4), draw, GAP, self.name, apart=0.0)
        return Layout(start, self.routes(rng, start, goal))


@dataclass(frozen=True, kw_only=True)
class RandomCrossing(Scenario):
    """Starts and goals anywhere in a square, at least half a side apart; the ego's too.

    Attributes:
        side: m; it grows so that everybody has 4 m^2.
    """

    name: ClassVar[str] = "random_crossing"
    side: float = 10.0

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        side = max(self.side, 2.0 * len(radius) ** 0.5)

        def draw(_: int) -> Spot:
            while True:
                start, goal = rng.uniform(-side / 2, side / 2, (2, 2))
                if np.hypot(*(goal - start)) > side / 2:
                    return start, goal

        start, goal = place(radius, draw(0), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal))


@dataclass(frozen=True, kw_only=True)
class Corridor(Scenario):
    """People walk along a walled corridor in both directions; the ego goes from left to right.

    Attributes:
        width: m.
        length: m between the two ends; it grows with the people, so that everybody has 2 m^2.
        both: false lets everybody walk against the ego.
    """

    name: ClassVar[str] = "corridor"
    width: float = 4.0
    length: float = 10.0
    both: bool = True

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        length = max(self.length, 4.0 * len(radius) / self.width)
        free = self.width / 2 - 0.5

        def draw(_: int) -> Spot:
            sign = rng.choice((-1.0, 1.0)) if self.both else -1.0
            y0, y1 = rng.uniform(-free, free, 2)
            start = np.array((-sign * length * rng.uniform(0.0, 0.5), y0))
            return start, np.array((sign * length * rng.uniform(0.5, 1.0), y1))

        y0, y1 = rng.uniform(-free, free, 2)
        start, goal = place(radius, _ego(-length / 2, y0, length / 2, y1), draw, GAP, self.name)
        end, half = length + 1.0, self.width / 2
        walls = np.array([(-end, -half, end, -half), (-end, half, end, half)])
        return Layout(start, self.routes(rng, start, goal), walls)


@dataclass(frozen=True, kw_only=True)
class Doorway(Scenario):
    """A wall with one opening: people pass from both sides, the ego from left to right. No goal lies in the opening.

    Attributes:
        gap: m, width of the opening.
        depth: m of each room; it grows so that everybody has 2 m^2.
        width: m of each room.
        both: false lets everybody go the way of the ego.
    """

    name: ClassVar[str] = "doorway"
    gap: float = 2.0
    depth: float = 5.0
    width: float = 6.0
    both: bool = True

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        depth = max(self.depth, 2.0 * len(radius) / self.width)
        free = self.width / 2 - 0.5

        def draw(_: int) -> Spot:
            sign = rng.choice((-1.0, 1.0)) if self.both else 1.0
            y0, y1 = rng.uniform(-free, free, 2)
            start = np.array((-sign * rng.uniform(1.0, depth - 0.5), y0))
            return start, np.array((sign * rng.uniform(APART, depth - 0.5), y1))

        y0, y1 = rng.uniform(-0.25, 0.25, 2) * self.gap
        ego = _ego(-depth + 0.5, y0, depth - 0.5, y1)
        start, goal = place(radius, ego, draw, GAP, self.name)
        half = self.width / 2
        wall = np.array([(0, -half, 0, -self.gap / 2), (0, self.gap / 2, 0, half)])
        walls = np.concatenate((wall, _box(-depth, -half, depth, half)))
        return Layout(start, self.routes(rng, start, goal), walls, gate=np.array((0.0, 0.0, 1.0, 0.0)))


@dataclass(frozen=True, kw_only=True)
class Overtaking(Scenario):
    """Slow people walk ahead of the ego, all in its direction.

    Attributes:
        width: m of the band they walk in.
        slow: range of the factor on their preferred speed.
    """

    name: ClassVar[str] = "overtaking"
    width: float = 3.0
    slow: tuple[float, float] = (0.3, 0.6)

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        ahead = max(4.0, 3.0 * len(radius) / self.width)

        def draw(_: int) -> Spot:
            x, y = rng.uniform(-3.0, -3.0 + ahead), rng.uniform(-0.5, 0.5) * self.width
            return np.array((x, y)), np.array((x + 14.0, y + rng.uniform(-0.5, 0.5)))

        start, goal = place(radius, _ego(-5, 0, 6, 0), draw, GAP, self.name)
        pace = np.concatenate(([1.0], rng.uniform(*self.slow, len(radius) - 1)))
        return Layout(start, self.routes(rng, start, goal), pace=pace)


@dataclass(frozen=True, kw_only=True)
class Groups(Scenario):
    """Groups of two or three cross a square abreast, in random directions; the ego walks alone.

    Attributes:
        side: m; it grows so that everybody has 5 m^2.
        sizes: numbers of members that are drawn from.
    """

    name: ClassVar[str] = "groups"
    side: float = 10.0
    sizes: tuple[int, ...] = (2, 3)

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        people = len(radius) - 1
        side = max(self.side, (5.0 * len(radius)) ** 0.5)
        sizes: list[int] = []
        while sum(sizes) < people:
            sizes.append(min(int(rng.choice(self.sizes)), people - sum(sizes)))
        first = dict(zip(np.cumsum([1, *sizes]).tolist(), sizes, strict=False))

        def draw(i: int) -> Spot:
            angle = rng.random() * 2 * np.pi
            ahead, aside = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
            abreast = np.arange(first[i]) - (first[i] - 1) / 2
            middle = aside * rng.uniform(-0.3, 0.3) * side - ahead * side / 2
            start = middle + aside * abreast[:, None] * (2 * radius.max() + GAP)
            return start, start + ahead * side

        start, goal = place(radius, _ego(0, -side / 2, 0, side / 2), draw, GAP, self.name)
        ident = np.where(np.array(sizes) > 1, np.arange(len(sizes)), -1)
        group = np.concatenate(([-1], np.repeat(ident, sizes)))
        return Layout(start, self.routes(rng, start, goal), group=group)


@dataclass(frozen=True, kw_only=True)
class DenseSquare(Scenario):
    """People mill about in a square of given density, always on the way to a fresh goal; the ego crosses it.

    Attributes:
        density: people per m^2.
    """

    name: ClassVar[str] = "dense_square"
    wander: bool = True
    density: float = 0.4

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        side = max(4.0, ((len(radius) - 1) / self.density) ** 0.5)

        def draw(_: int) -> Spot:
            return tuple(rng.uniform(-side / 2, side / 2, (2, 2)))

        end = side / 2 + 0.5
        start, goal = place(radius, _ego(-end, 0, end, 0), draw, GAP / 2, self.name)
        return Layout(start, self.routes(rng, start, goal))


ALL: tuple[Scenario, ...] = (
    CircleCrossing(),
    SquareCrossing(),
    RandomCrossing(),
    Corridor(),
    Doorway(),
    Overtaking(),
    Groups(),
    DenseSquare(),
)
"""Every scenario at its defaults: the mix for pretraining logs."""
