"""Where people start and want to go: the layout of one scene, and placing people without overlap."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

TRIES = 100
"""Mean draws per person before a layout is given up."""

RESTARTS = 20
"""Fresh layouts that are tried when somebody finds no free place."""

APART = 1.2
"""m between the ego's goal and everybody else's, so that who has arrived leaves room for the ego to arrive."""

Spot = tuple[np.ndarray, np.ndarray]
"""Start and goal of one person (`[2]` each), or of m people who are placed together (`[m,2]` each)."""


@dataclass
class Layout:
    """One scene before anybody moves; person 0 is the ego.

    Attributes:
        start: `[n,2]` m.
        goals: `[n,G,2]` m, visited in order; the last one is stayed at.
        walls: `[W,4]` m, segments.
        group: `[n]` group ids, -1 for none.
        pace: `[n]` factor on the preferred speed.
        gate: `[4]` centre and unit normal of the opening in the walls, or NaN.
        detours: people go round walls that hide their goals; not needed where a `gate` is the only way.
    """

    start: np.ndarray
    goals: np.ndarray
    walls: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    group: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    pace: np.ndarray = field(default_factory=lambda: np.zeros(0))
    gate: np.ndarray = field(default_factory=lambda: np.full(4, np.nan))
    detours: bool = False

    def __post_init__(self) -> None:
        """Fill in nobody's group and everybody's pace."""
        if not len(self.group):
            self.group = np.full(len(self.start), -1)
        if not len(self.pace):
            self.pace = np.ones(len(self.start))


def place(
    radius: np.ndarray, ego: Spot, draw: Callable[[int], Spot], gap: float, name: str, apart: float = APART
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a start and a goal for everybody so that no two starts and no two goals overlap.

    A start also keeps clear of others' goals, as in CrowdNav, so that who has arrived blocks nobody's start.

    Args:
        radius: `[n]` m, the ego's first.
        ego: the ego's start and goal.
        draw: gives a candidate for person i (and for those after them who belong together).
        gap: m left free between discs.
        name: of the scenario, for the error.
        apart: least distance of others' goals from the ego's, m.

    Returns:
        Starts and goals, `[n,2]` each.

    Raises:
        ValueError: no layout was found in a bounded number of tries.
    """
    for _ in range(RESTARTS):
        starts, goals = ego[0][None], ego[1][None]
        for _ in range(TRIES * len(radius)):
            placed = len(starts)
            if placed == len(radius):
                return starts, goals
            start, goal = (np.reshape(spot, (-1, 2)) for spot in draw(placed))
            reach = radius[:placed, None] + radius[placed : placed + len(start)] + gap
            if (np.hypot(*(goal - goals[0]).T) > apart).all() and all(
                (np.hypot(*(old[:, None] - new).transpose(2, 0, 1)) > reach).all()
                for old, new in ((starts, start), (goals, start), (goals, goal))
            ):
                starts, goals = np.concatenate((starts, start)), np.concatenate((goals, goal))
    raise ValueError(
        f"scenario {name}: no room for {len(radius) - 1} people after {RESTARTS} layouts; "
        "use fewer people, a smaller radius or a larger scenario"
    )
