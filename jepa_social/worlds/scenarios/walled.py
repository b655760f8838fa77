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
