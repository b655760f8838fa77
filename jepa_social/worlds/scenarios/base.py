"""What a scenario is: how a seed becomes a scene. Person 0 is the ego; coordinates are metres."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jepa_social.worlds.layout import Layout, Spot

GAP = 0.2
"""m free between discs at the start (CrowdNav's discomfort distance)."""

FRESH = 12
"""How many goals a wanderer has in store."""


@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """Base of all scenarios.

    Attributes:
        wander: people who arrive set out for a fresh goal (another person's goal, in random order) instead of standing.
        people: how many others, as a range (both ends included) that each seed draws from; None: as the world says.
    """

    name: ClassVar[str]
    wander: bool = False
    people: tuple[int, int] | None = None

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


def spot(x0: float, y0: float, x1: float, y1: float) -> Spot:
    """From (x0, y0) to (x1, y1), m."""
    return np.array((x0, y0)), np.array((x1, y1))
