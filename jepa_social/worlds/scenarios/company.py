"""Scenarios of people who belong together."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jepa_social.worlds.layout import Layout, Spot, place
from jepa_social.worlds.scenarios.base import GAP, Scenario, spot


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
        side = max(self.side, (5.0 * len(radius)) ** 0.5)
        sizes = _sizes(rng, len(radius) - 1, self.sizes)
        first = _first(sizes)

        def draw(i: int) -> Spot:
            angle = rng.random() * 2 * np.pi
            ahead, aside = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
            abreast = np.arange(first[i]) - (first[i] - 1) / 2
            middle = aside * rng.uniform(-0.3, 0.3) * side - ahead * side / 2
            start = middle + aside * abreast[:, None] * (2 * radius.max() + GAP)
            return start, start + ahead * side

        start, goal = place(radius, spot(0, -side / 2, 0, side / 2), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal), group=_idents(sizes))


@dataclass(frozen=True, kw_only=True)
class Conversations(Scenario):
    """People stand together in circles (Kendon 1990: F-formations); the ego has to find its way between the circles.

    Attributes:
        side: m; it grows so that everybody has 5 m^2.
        sizes: numbers of members that are drawn from.
        spacing: m between neighbours on a circle.
    """

    name: ClassVar[str] = "conversations"
    side: float = 8.0
    sizes: tuple[int, ...] = (2, 3, 4)
    spacing: float = 1.0

    def layout(self, rng: np.random.Generator, radius: np.ndarray) -> Layout:
        """See `Scenario`."""
        side = max(self.side, (5.0 * len(radius)) ** 0.5)
        sizes = _sizes(rng, len(radius) - 1, self.sizes)
        first = _first(sizes)

        def draw(i: int) -> Spot:
            angle = rng.random() * 2 * np.pi + 2 * np.pi * np.arange(first[i]) / first[i]
            ring = 0.0 if first[i] == 1 else max(self.spacing, 2 * radius.max() + GAP) / 2 / np.sin(np.pi / first[i])
            around = ring * np.stack((np.cos(angle), np.sin(angle)), axis=1)
            stand = rng.uniform(-side / 2, side / 2, 2) + around
            return stand, stand

        end = side / 2 + 1.0
        start, goal = place(radius, spot(-end, 0, end, 0), draw, GAP, self.name)
        return Layout(start, self.routes(rng, start, goal), group=_idents(sizes))


def _sizes(rng: np.random.Generator, people: int, choices: tuple[int, ...]) -> list[int]:
    """Sizes of groups that add up to `people`."""
    sizes: list[int] = []
    while sum(sizes) < people:
        sizes.append(min(int(rng.choice(choices)), people - sum(sizes)))
    return sizes


def _first(sizes: list[int]) -> dict[int, int]:
    """Size of the group that begins with a person."""
    return dict(zip(np.cumsum([1, *sizes]).tolist(), sizes, strict=False))


def _idents(sizes: list[int]) -> np.ndarray:
    """Group ids `[n]`, the ego's first; -1 for who is alone."""
    ident = np.where(np.array(sizes) > 1, np.arange(len(sizes)), -1)
    return np.concatenate(([-1], np.repeat(ident, sizes)))
