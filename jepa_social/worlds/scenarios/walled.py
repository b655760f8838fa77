"""Scenarios between walls."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jepa_social.worlds.layout import APART, Layout, Spot, place
from jepa_social.worlds.scenarios.base import GAP, Scenario, spot


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)])


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
        start, goal = place(radius, spot(-length / 2, y0, length / 2, y1), draw, GAP, self.name)
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
        ego = spot(-depth + 0.5, y0, depth - 0.5, y1)
        start, goal = place(radius, ego, draw, GAP, self.name)
        half = self.width / 2
        wall = np.array([(0, -half, 0, -self.gap / 2), (0, self.gap / 2, 0, half)])
        walls = np.concatenate((wall, _box(-depth, -half, depth, half)))
        return Layout(start, self.routes(rng, start, goal), walls, gate=np.array((0.0, 0.0, 1.0, 0.0)))


@dataclass(frozen=True, kw_only=True)
class Barriers(Scenario):
    """Free-standing walls in an open square (stalls, fences), of random length, place and direction, to walk round.

    It teaches what people do at a wall's end without being a doorway, which is held out where people see the ego:
    walls stand singly and keep half as much again between them as the doorway is wide, nothing is closed off, so there
    is always another way and nobody has to queue.

    Attributes:
        side: m of the square in which everybody starts and ends; it grows so that everybody has 4 m^2.
        walls: how many are drawn in 100 m^2; those that find no place are left out.
        length: m, range.
        between: m, least distance between two walls.
        clear: m, least distance of starts and goals from walls.
    """

    name: ClassVar[str] = "barriers"
    side: float = 10.0
    walls: int = 5
    length: tuple[float, float] = (1.5, 4.5)
    between: float = 3.0
    clear: float = 0.6

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        side = max(self.side, 2.0 * len(radius) ** 0.5)
        walls = self._walls(rng, side)
        solid = np.concatenate([_along(wall) for wall in walls])

        def draw(_: int) -> Spot:
            while True:
                spots = rng.uniform(-side / 2, side / 2, (2, 2))
                if np.hypot(*(spots[1] - spots[0])) > side / 2 and _distance(spots, solid) > self.clear:
                    return spots[0], spots[1]

        start, goal = place(radius, draw(0), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal), walls, detours=True)

    def _walls(self, rng: np.random.Generator, side: float) -> np.ndarray:
        walls: list[np.ndarray] = []
        count = round(self.walls * side**2 / 100)
        for _ in range(10 * count):
            angle, half = rng.uniform(0, np.pi), rng.uniform(*self.length) / 2
            middle, reach = rng.uniform(-side / 2, side / 2, 2), half * np.array((np.cos(angle), np.sin(angle)))
            wall = np.concatenate((middle - reach, middle + reach))
            if len(walls) < count and all(_distance(_along(wall), _along(old)) >= self.between for old in walls):
                walls.append(wall)
        return np.array(walls)


def _along(wall: np.ndarray) -> np.ndarray:
    """Points `[P,2]` of a wall, at most 0.05 m apart."""
    steps = int(np.hypot(*(wall[2:] - wall[:2])) / 0.05) + 2
    return np.linspace(wall[:2], wall[2:], steps)


def _distance(points: np.ndarray, others: np.ndarray) -> float:
    """Least distance (m) between two sets of points."""
    return float(np.hypot(*(points[:, None] - others).transpose(2, 0, 1)).min())


@dataclass(frozen=True, kw_only=True)
class Intersection(Scenario):
    """Two walled corridors cross; people walk straight through from all four arms, the ego from left to right.

    The "intersection" of Francis et al. (2023), with corners that hide nobody.

    Attributes:
        width: m of both corridors.
        arm: m from the middle to the ends; it grows with the people, so that everybody has 2 m^2.
    """

    name: ClassVar[str] = "intersection"
    width: float = 4.0
    arm: float = 7.0

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        half, free = self.width / 2, self.width / 2 - 0.5
        arm = max(self.arm, half + len(radius) / self.width)

        def draw(_: int) -> Spot:
            quarter = rng.integers(4) * np.pi / 2
            ahead = np.round((np.cos(quarter), np.sin(quarter)))
            aside = np.array((-ahead[1], ahead[0]))
            y0, y1 = rng.uniform(-free, free, 2)
            start = -ahead * rng.uniform(half, arm) + aside * y0
            return start, ahead * rng.uniform(half, arm) + aside * y1

        y0, y1 = rng.uniform(-free, free, 2)
        start, goal = place(radius, spot(-arm + 1, y0, arm - 1, y1), draw, GAP, self.name)
        corners = [(sx * half, sy * half) for sx in (-1, 1) for sy in (-1, 1)]
        end = arm + 2.0
        along = [(x, y, np.sign(x) * end, y) for x, y in corners]
        across = [(x, y, x, np.sign(y) * end) for x, y in corners]
        return Layout(start, self.routes(rng, start, goal), np.array(along + across))
