"""Who the scripted people are: hidden traits, and how a population of them is drawn."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Traits:
    """Hidden traits of the n people of one scene, each `[n]`.

    Attributes:
        speed: m/s, preferred and greatest walking speed.
        radius: m.
        margin: m of room wanted beyond touching: personal space.
        share: how far they give way: ORCA's responsibility, 0 (not at all) to 1 (alone), 0.5 reciprocal.
        social_force: bool, driven by social forces instead of ORCA.
        side: rad by which they turn aside for who comes towards them (see `sides`): to the left above 0, to the right
            below, 0: they have no preference.
    """

    speed: np.ndarray
    radius: np.ndarray
    margin: np.ndarray
    share: np.ndarray
    social_force: np.ndarray
    side: np.ndarray


@dataclass(frozen=True)
class Population:
    """What people are like: normal distributions are clipped to their `*_range`, the others are uniform in it.

    Attributes:
        speed_mean, speed_std, speed_range: m/s.
        radius_range: m.
        margin_range: m, personal space beyond touching.
        share_mean, share_std, share_range: responsibility in [0, 1].
        social_force: share of people in [0, 1] who are driven by social forces, mixed with the ORCA people.
        neighbor_dist: m within which people heed one another.
        horizon: s for which ORCA people look ahead.
        side_angle: rad by which people turn to their side for who comes towards them; 0: nobody has a side.
        side_share: share of people in [0, 1] whose side is the left.
    """

    speed_mean: float = 1.0
    speed_std: float = 0.2
    speed_range: tuple[float, float] = (0.4, 1.6)
    radius_range: tuple[float, float] = (0.3, 0.3)
    margin_range: tuple[float, float] = (0.0, 0.15)
    share_mean: float = 0.5
    share_std: float = 0.1
    share_range: tuple[float, float] = (0.0, 1.0)
    social_force: float = 0.0
    neighbor_dist: float = 10.0
    horizon: float = 5.0
    side_angle: float = 0.0
    side_share: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a range that is empty or a share outside [0, 1]."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_range") and not 0 <= value[0] <= value[1]:
                raise ValueError(f"population.{field.name} must be (low, high) with 0 <= low <= high, got {value}")
        if self.speed_range[0] <= 0 or self.radius_range[0] <= 0:
            raise ValueError("population.speed_range and population.radius_range must be above 0")
        if not (0 <= self.social_force <= 1 and self.share_range[1] <= 1):
            raise ValueError("population.social_force and population.share_range must lie in [0, 1]")
        if not (0 <= self.side_angle < np.pi / 2 and 0 <= self.side_share <= 1):
            raise ValueError("population.side_angle must lie in [0, pi/2) rad, population.side_share in [0, 1]")

    def sample(self, rng: np.random.Generator, count: int) -> Traits:
        """Draw `count` people."""
        return Traits(
            speed=rng.normal(self.speed_mean, self.speed_std, count).clip(*self.speed_range),
            radius=rng.uniform(*self.radius_range, count),
            margin=rng.uniform(*self.margin_range, count),
            share=rng.normal(self.share_mean, self.share_std, count).clip(*self.share_range),
            social_force=rng.random(count) < self.social_force,
            side=self._sides(rng, count),
        )

    def _sides(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Nothing is drawn where nobody has a side: such a population is the same with and without this trait."""
        if not self.side_angle:
            return np.zeros(count)
        return np.where(rng.random(count) < self.side_share, self.side_angle, -self.side_angle)


CROWDNAV = Population(speed_std=0.0, margin_range=(0.02, 0.02), share_std=0.0)
"""People of CrowdNav's standard test (Chen et al. 2019): all alike, reciprocal, 0.01 m added to every radius."""


@dataclass(frozen=True)
class Everyone:
    """Everyone of E scenes, the ego in slot 0, as tensors; padded slots are not in `present`.

    Attributes:
        present: `[E,N]` bool.
        speed, radius, margin, share, side: `[E,N]`, see `Traits`.
        social_force: `[E,N]` bool.
        group: `[E,N]` id of the group within the scene, -1 for none.
        goals: `[E,N,G,2]` m, visited in order; the last one is stayed at.
        gate: `[E,4]` x y and unit normal of the opening that leads through the walls; NaN where there is none.
        detours: `[E]` bool, they go round walls that hide their goals.
    """

    present: Tensor
    speed: Tensor
    radius: Tensor
    margin: Tensor
    share: Tensor
    side: Tensor
    social_force: Tensor
    group: Tensor
    goals: Tensor
    gate: Tensor
    detours: Tensor

    @cached_property
    def grouped(self) -> bool:
        """Somebody is in a group."""
        return bool((self.group >= 0).any())

    @cached_property
    def sided(self) -> bool:
        """Somebody prefers a side."""
        return bool((self.side != 0).any())

    @cached_property
    def padded(self) -> bool:
        """Some slots of others than the ego are empty."""
        return not bool(self.present[:, 1:].all())

    @cached_property
    def driven(self) -> tuple[bool, bool]:
        """Whether anybody but the ego is driven by ORCA, and whether anybody is by social forces."""
        forced, there = self.social_force[:, 1:], self.present[:, 1:]
        return bool((there & ~forced).any()), bool((there & forced).any())

    def taken(self, index: Tensor) -> "Everyone":
        """The scenes `index`."""
        return Everyone(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replaced(self, scenes: Tensor, source: "Everyone", taken: Tensor) -> "Everyone":
        """These with the scenes `taken` of `source` where `scenes` were."""
        rows = {
            f.name: getattr(self, f.name).index_put((scenes,), getattr(source, f.name)[taken]) for f in fields(self)
        }
        return Everyone(**rows)
