"""`Crowd`: scripted people around an ego that the caller moves, many scenes at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from tensordict import TensorDict
from torch import Tensor

from jepa_social.scene import FAR, KINDS, Scene
from jepa_social.worlds.layout import Layout
from jepa_social.worlds.people import Everyone, Population, Traits
from jepa_social.worlds.scenarios import Scenario
from jepa_social.worlds.track import Track
from jepa_social.worlds.walk import people_velocity, wanted_velocity
from jepa_social.worlds.world import World

NEXT_GOAL = 0.5
"""m from a goal at which a wanderer sets out for the next one."""


class Crowd(World):
    """A batched, deterministic crowd simulator.

    The state is kept in float64, so that what a batch is made of cannot be told from an episode. People decide all at
    once from the same state; the ego is holonomic, is not stopped by walls, and is seen by people only if `visible`.

    Args:
        scenario: one, or several that are assigned round-robin by seed (`seed % len`).
        people: how many others, or the range (both ends included) that each seed draws from, in scenarios that do not
            say so themselves.
        population: what people are like.
        dt: s between frames.
        observed: frames in a returned scene.
        visible: people see the ego. False is CrowdNav's invisible robot.
        limit: s until an episode has timed out.
        ego_speed: m/s, the ego's preferred and greatest speed.
        ego_radius: m.
        device: where the state lives; it needs float64.
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario],
        people: int | tuple[int, int] = 5,
        population: Population | None = None,
        dt: float = 0.25,
        observed: int = 8,
        visible: bool = False,
        limit: float = 25.0,
        ego_speed: float = 1.0,
        ego_radius: float = 0.3,
        device: torch.device | str = "cpu",
    ):
        self.scenarios = (scenario,) if isinstance(scenario, Scenario) else tuple(scenario)
        self.people = (people, people) if isinstance(people, int) else (int(people[0]), int(people[1]))
        if not self.scenarios:
            raise ValueError("world.scenario: give at least one scenario")
        for low, high in (self.people, *(one.people for one in self.scenarios if one.people is not None)):
            if not 1 <= low <= high:
                raise ValueError(f"world.people must be a number >= 1 or a range (low, high), got ({low}, {high})")
        if dt <= 0 or observed < 1 or limit <= 0 or ego_speed <= 0 or ego_radius <= 0:
            raise ValueError("world.dt, observed, limit, ego_speed and ego_radius must be positive")
        self.population = population or Population()
        self.dt, self.observed, self.visible, self.limit_s = dt, observed, visible, limit
        self.ego_speed, self.ego_radius = ego_speed, ego_radius
        self.device = torch.device(device)

    @property
    def others(self) -> tuple[int, int]:
        """The fewest and the most people that a scene can have besides the ego."""
        low, high = zip(*(one.people or self.people for one in self.scenarios), strict=True)
        return min(low), max(high)

    def reset(self, seeds: Sequence[int]) -> Scene:
        """See `World`.

        Raises:
            ValueError: no seed, a negative one, or a scenario that has no room for the people.
        """
        if not len(seeds) or min(seeds) < 0:
            raise ValueError(f"seeds must be at least one number >= 0, got {list(seeds)[:5]}")
        self._seeds = [int(seed) for seed in seeds]
        drawn = [self._draw(seed) for seed in self._seeds]
        agents = 1 + max(len(traits.speed) for _, traits in drawn)
        stored = max(layout.goals.shape[1] for layout, _ in drawn)
        most_walls = max(len(layout.walls) for layout, _ in drawn)
        batch = self._batch

        def everyone(name: str, ego: float) -> Tensor:
            return batch([np.concatenate(([ego], getattr(traits, name))) for _, traits in drawn], agents)

        pace = batch([layout.pace for layout, _ in drawn], agents)
        self._people = Everyone(
            present=batch([np.ones(len(layout.start)) for layout, _ in drawn], agents).bool(),
            speed=everyone("speed", self.ego_speed) * pace,
            radius=everyone("radius", self.ego_radius),
            margin=everyone("margin", 0.0),
            share=everyone("share", 0.5),
            side=everyone("side", 0.0),
            social_force=everyone("social_force", 0.0).bool(),
            group=batch([layout.group for layout, _ in drawn], agents, fill=-1).long(),
            goals=batch(
                [
                    np.pad(g, ((0, 0), (0, stored - g.shape[1]), (0, 0)), mode="edge")
                    for g in (d[0].goals for d in drawn)
                ],
                agents,
                stored,
                2,
            ),
            gate=batch([layout.gate for layout, _ in drawn], 4),
            detours=torch.tensor([layout.detours for layout, _ in drawn], device=self.device),
        )
        self._walls = batch([layout.walls for layout, _ in drawn], most_walls, 4, fill=FAR) if most_walls else None
        self._position = batch([layout.start for layout, _ in drawn], agents, 2)
        self._velocity = torch.zeros_like(self._position)
        self._goal_index = torch.zeros_like(self._people.group)
        self._ego = self._position[:, 0]
        self._noticed = torch.full((len(seeds),), self.visible, device=self.device)
        self._steps = 0
        self.limit = torch.full((len(seeds),), self.limit_s, device=self.device)
        self.greatest_speed = self._people.speed[:, 0]
        kind = torch.zeros_like(self._people.group)
        kind[:, 0] = KINDS.index("robot")
        self._track = Track(
            kind=kind,
            radius=self._people.radius.float(),
            dt=self.dt,
            goal=self._people.goals[:, 0, 0].float(),
            speed=self.greatest_speed.float(),
            walls=None if self._walls is None else self._walls.float(),
        )
        self._track.push(self._position, self._people.present)
        return self.scene()

    def scenario_names(self) -> list[str]:
        """See `World`."""
        return [self.scenarios[seed % len(self.scenarios)].name for seed in self._seeds]

    def hide_ego(self, scenes: Tensor) -> None:
        """From now on nobody sees the ego of `scenes` (`[E]` bool)."""
        self._noticed = self._noticed & ~scenes

    def redraw_traits(self, seed: int) -> None:
        """Give everybody hidden traits drawn afresh from the population; sizes, groups, goals and the ego stay.

        Draws depend on `seed` and each scene's own: a scene gets the same in every batch.
        """
        people = self._people
        counts = people.present[:, 1:].sum(1).tolist()
        rngs = [np.random.default_rng((seed, own, 3)) for own in self._seeds]
        drawn = [self.population.sample(rng, count) for rng, count in zip(rngs, counts, strict=True)]

        def fresh(name: str) -> Tensor:
            value = getattr(people, name).clone()
            for row, traits, count in zip(value, drawn, counts, strict=True):
                row[1 : 1 + count] = torch.as_tensor(getattr(traits, name), device=self.device)
            return value

        names = ("margin", "share", "side", "social_force")
        self._people = replace(people, **{name: fresh(name) for name in names})

    def restart(self, scenes: Tensor, source: "Crowd", taken: Tensor) -> None:
        """Put the scenes `taken` of `source` (places, `[K]`) where `scenes` (places, `[K]`) of this one were.

        Both stem from one `reset`, so that their shapes agree. Of the past only `observed` frames are kept; each scene
        has its whole time left.
        """
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.ndim:
                setattr(self, name, value.index_put((scenes,), getattr(source, name)[taken]))
        self.limit[scenes] += self.elapsed - source.elapsed
        self._people = self._people.replaced(scenes, source._people, taken)
        for scene, place in zip(scenes.tolist(), taken.tolist(), strict=True):
            self._seeds[scene] = source._seeds[place]
        self._track = self._track.replaced(scenes, source._track, taken, max(2, self.observed))

    def _taken(self, index: Tensor) -> "Crowd":
        new = super()._taken(index)
        new._people = self._people.taken(index)
        new._seeds = [self._seeds[scene] for scene in index.tolist()]
        return new

    def _draw(self, seed: int) -> tuple[Layout, Traits]:
        rng = np.random.default_rng(seed)
        scenario = self.scenarios[seed % len(self.scenarios)]
        low, high = scenario.people or self.people
        count = int(rng.integers(low, high + 1))
        traits = self.population.sample(rng, count)
        layout = scenario.layout(rng, np.concatenate(([self.ego_radius], traits.radius)))
        for ident in range(layout.group.max() + 1):
            members = layout.group[1:] == ident
            traits.speed[members] = traits.speed[members].mean()
        return layout, traits

    def _advance(self, action: Tensor) -> None:
        goal = self._goal()
        wanted = wanted_velocity(self._people, self._position, goal, self._walls)
        seen = self._people.present
        seen = torch.cat((seen[:, :1] & self._noticed[:, None], seen[:, 1:]), dim=1)
        velocity = people_velocity(
            self._people, self.population, self._position, self._velocity, wanted, seen, self._walls, self.dt
        )
        self._velocity = self._steered(torch.cat((action[:, None], velocity), dim=1))
        self._position = self._position + self._velocity * self.dt
        self._ego = self._position[:, 0]
        if (stored := self._people.goals.shape[2]) > 1:
            reached = (self._position - goal).norm(dim=-1) < NEXT_GOAL
            self._goal_index = (self._goal_index + reached).clamp(max=stored - 1)
        self._track.push(self._position, self._people.present)

    def _steered(self, velocity: Tensor) -> Tensor:
        """The next `velocity [E,N,2]` m/s of everybody; a subclass may move others than the ego."""
        return velocity

    def _goal(self) -> Tensor:
        if self._people.goals.shape[2] == 1:
            return self._people.goals[:, :, 0]
        index = self._goal_index[..., None, None].expand(-1, -1, 1, 2)
        return self._people.goals.gather(2, index).squeeze(2)

    def _truth(self) -> TensorDict:
        people = self._people
        return TensorDict(
            {
                "goal": self._goal().float(),
                "speed": people.speed.float(),
                "margin": people.margin.float(),
                "share": people.share.float(),
                "side": people.side.float(),
                "social_force": people.social_force,
                "group": people.group,
            },
            batch_size=[len(people.group)],
        )
