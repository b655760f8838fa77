"""Scenarios: how a seed becomes a scene for the ego and 1 to 50 people.

Each scenario is a small dataclass whose `layout` draws starts, goals, walls and groups from the generator of one seed,
so that the scene of a seed is the same in every batch and process. Person 0 is the ego. Coordinates are metres.

Simulated logs are made of `TRAINED` only; a model meets the types of `HELD_OUT` for the first time when it is tested.
"""

from jepa_social.worlds.scenarios.base import GAP, Scenario
from jepa_social.worlds.scenarios.company import Conversations, Groups
from jepa_social.worlds.scenarios.open_space import (
    CircleCrossing,
    DenseSquare,
    HeadOn,
    Overtaking,
    PerpendicularTraffic,
    RandomCrossing,
    SquareCrossing,
)
from jepa_social.worlds.scenarios.walled import Barriers, Corridor, Doorway, Intersection

TRAINED: tuple[Scenario, ...] = (
    CircleCrossing(),
    SquareCrossing(),
    RandomCrossing(),
    Corridor(),
    Doorway(),
    Overtaking(),
    Groups(),
    DenseSquare(),
)
"""The mix for pretraining logs."""

HELD_OUT: tuple[Scenario, ...] = (Intersection(), PerpendicularTraffic(), Conversations())
"""Types that no log is made of."""

ALL = (*TRAINED, *HELD_OUT, HeadOn(), Barriers())
"""Every scenario at its defaults; those in neither list are asked for by name."""

__all__ = [
    "ALL",
    "GAP",
    "HELD_OUT",
    "TRAINED",
    "Barriers",
    "CircleCrossing",
    "Conversations",
    "Corridor",
    "DenseSquare",
    "Doorway",
    "Groups",
    "HeadOn",
    "Intersection",
    "Overtaking",
    "PerpendicularTraffic",
    "RandomCrossing",
    "Scenario",
    "SquareCrossing",
]
