"""Scenarios without walls in which everybody walks for themselves."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jepa_social.worlds.layout import Layout, Spot, place
from jepa_social.worlds.scenarios.base import GAP, Scenario, spot


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

        start, goal = place(radius, spot(0, -ring, 0, ring), draw, GAP, self.name, apart=0.0)
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

        start, goal = place(radius, spot(0, -4, 0, 4), draw, GAP, self.name, apart=0.0)
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

        start, goal = place(radius, spot(-5, 0, 6, 0), draw, GAP, self.name)
        pace = np.concatenate(([1.0], rng.uniform(*self.slow, len(radius) - 1)))
        return Layout(start, self.routes(rng, start, goal), pace=pace)


@dataclass(frozen=True, kw_only=True)
class HeadOn(Scenario):
    """People come towards the ego in a narrow band without walls, one after the other: who passes on which side?

    Attributes:
        length: m that everybody walks; it grows with the people.
        width: m of the band.
        both: some people walk in the ego's direction, so that they meet one another too.
    """

    name: ClassVar[str] = "head_on"
    length: float = 10.0
    width: float = 0.8
    both: bool = False

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        length = max(self.length, 3.0 * len(radius))
        ahead = 1.0 if self.both else -1.0

        def draw(_: int) -> Spot:
            sign = rng.choice((-ahead, ahead)) if self.both else ahead
            x, y0, y1 = rng.uniform(0.0, length / 2), *rng.uniform(-self.width / 2, self.width / 2, 2)
            return np.array((-sign * x, y0)), np.array((sign * (length - x), y1))

        start, goal = place(radius, spot(-length / 2, 0, length / 2, 0), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal))


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
        start, goal = place(radius, spot(-end, 0, end, 0), draw, GAP / 2, self.name)
        return Layout(start, self.routes(rng, start, goal))


@dataclass(frozen=True, kw_only=True)
class PerpendicularTraffic(Scenario):
    """A stream of people, all in one direction, crosses the ego's way at a right angle (Francis et al. 2023).

    Attributes:
        width: m of the stream.
        density: people per m^2 of it.
    """

    name: ClassVar[str] = "perpendicular_traffic"
    width: float = 4.0
    density: float = 0.3

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        length = max(4.0, (len(radius) - 1) / self.density / self.width)
        sign = rng.choice((-1.0, 1.0))

        def draw(_: int) -> Spot:
            x0, x1 = rng.uniform(-self.width / 2, self.width / 2, 2)
            y = rng.uniform(0.0, length) + 1.0
            return np.array((x0, -sign * y)), np.array((x1, sign * (length + 6.0 - y)))

        end = self.width / 2 + 2.5
        start, goal = place(radius, spot(-end, 0, end, 0), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal))
