"""`Village`: people on a grid who see part of it, believe what they saw and go for what they want; many scenes at once.

Every frame: (1) each agent steps, softmax-rational on its beliefs and values, or as it is told; (2) things are moved by
events; (3) whoever has a moved or open thing in view takes in where it is, with probability `notice`. The scene of a
frame shows the state after (3). The log shows where everything is; what agents believe is in `truth` alone.
"""

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from tensordict import TensorDict
from torch import Tensor

from jepa_social.scene import KINDS, Scene
from jepa_social.worlds.village.beliefs import UNKNOWN, Beliefs
from jepa_social.worlds.village.copies import again
from jepa_social.worlds.village.grid import MOVES, STAY, at, destinations, distances, outlines, sees
from jepa_social.worlds.village.layout import batched
from jepa_social.worlds.village.manners import Decide, Manners, rule_indices, settle
from jepa_social.worlds.village.scenarios import VillageScenario

RADIUS = 0.3
"""m, of agents and things."""
PEDESTRIAN = KINDS.index("pedestrian")


class Village:
    """E scenes that run in step.

    Attributes:
        time: frames since the start.
        cell, facing: `[E,N,2]` of agents.
        thing: `[E,K,2]` cells of things.
        beliefs: see `Beliefs`.
        done: `[E,N]` the agent has come to where it believes its best thing to be, and stays.
        manners: memories of each other, or None (see `rules`).
        visible, noticed: `[E,N,K]` bool, of the last frame.

    Args:
        scenario: one, or several that are assigned round-robin by seed (`seed % len`).
        beta: rationality: 0 random, larger is surer.
        notice: probability that what is in view is taken in, and apart from it who else was looking.
        half_angle: degrees to either side of where one faces that one sees.
        limit: frames for which randomness is drawn; no run is longer.
        dt: s between frames; a step is a cell of 1 m.
        rules: names of `manners.RULES`, dealt out at random: nobody shares a cell then, and people contest, queue,
            yield and learn from it. Empty: they pass through each other.
        observed: most frames in the scenes that `reset` and `step` return.
        device: where the state lives.

    A seed gives the same scene in every batch.
    """

    def __init__(
        self,
        scenario: VillageScenario | Sequence[VillageScenario],
        beta: float = 1.0,
        notice: float = 0.8,
        half_angle: float = 80.0,
        limit: int = 60,
        dt: float = 1.0,
        rules: Sequence[str] = (),
        observed: int = 8,
        device: torch.device | str = "cpu",
    ):
        self.scenarios = tuple(scenario) if isinstance(scenario, Sequence) else (scenario,)
        if not self.scenarios:
            raise ValueError("world.scenario: give at least one scenario")
        if beta < 0 or not 0 <= notice <= 1 or not 0 < half_angle <= 180 or limit < 1 or dt <= 0:
            raise ValueError("world: need beta >= 0, 0 <= notice <= 1, 0 < half_angle <= 180, limit >= 1 and dt > 0")
        self.beta, self.notice, self.half_angle = beta, notice, half_angle
        self.rules = rule_indices(rules)
        self.limit, self.dt, self.observed, self.device = limit, dt, observed, torch.device(device)

    def reset(self, seeds: Sequence[int], manners: Manners | None = None) -> Scene:
        """Start one scene per seed and return what is seen of it.

        Args:
            seeds: of the scenes.
            manners: what people bring along who have met before; by default they are strangers, with `rules` dealt out.

        Raises:
            ValueError: no seed or a negative one.
        """
        if not len(seeds) or min(seeds) < 0:
            raise ValueError(f"seeds must be at least one number >= 0, got {list(seeds)[:5]}")
        self.seeds = [int(seed) for seed in seeds]
        chances = [np.random.default_rng(seed) for seed in self.seeds]
        layouts = [self._scenario(seed).layout(rng) for seed, rng in zip(self.seeds, chances, strict=True)]
        self.layout = batched(layouts, self.device)
        agents, things = self.layout.start.shape[1], self.layout.thing.shape[1]
        people = [la.start.shape[:1] for la in layouts]
        self._step_chance = self._chances(chances, people, (agents,))
        shapes = [(len(la.start), len(la.thing)) for la in layouts]
        self._notice_chance = self._chances(chances, shapes, (agents, things))
        self._manner_chance = self._chances(chances, people, (agents,))
        self._heed_chance = self._chances(chances, people, (agents,))
        self.manners = manners
        if manners is None and len(self.rules):  # drawn last: villages without rules stay the same
            self.manners = self._strangers(*(self._chances(chances, people, (agents,))[:, 0] for _ in range(2)))
        self._outlines, self._ways = outlines(self.layout.walls), None
        self.time = 0
        self.cell, self.thing = self.layout.start.clone(), self.layout.thing.clone()
        self.facing = torch.zeros_like(self.cell)
        self.facing[..., 0] = 1
        self.beliefs = Beliefs.at_start(self.place(self.thing), self.layout.known & self.layout.things[:, None])
        self.done = torch.zeros_like(self.layout.agents)
        self.visible = self.noticed = torch.zeros_like(self.layout.known)
        self._frames: list[tuple[Tensor, Tensor]] = []
        self._push()
        return self.scene(self.observed)

    def step(self, action: Int[Tensor, "E N"] | None = None, decide: Decide | None = None) -> Scene:
        """One frame; `action` indexes `grid.MOVES`, negative entries (and None) leave the agent to itself, and so does
        what `decide` says of contests (see `manners.settle`).

        Raises:
            ValueError: the action has another shape or is not a move.
            RuntimeError: before `reset`, or after `limit` frames.
        """
        if not hasattr(self, "time"):
            raise RuntimeError("call reset(seeds) before step()")
        if self.time >= self.limit:
            raise RuntimeError(f"the run is over after world.limit={self.limit} frames: reset, or raise it")
        chosen = self._choose()
        if action is not None:
            if action.shape != chosen.shape or int(action.max()) >= len(MOVES):
                raise ValueError(f"action must be {list(chosen.shape)} of numbers below {len(MOVES)}")
            chosen = torch.where(action >= 0, action.to(self.device), chosen)
        there = destinations(self.layout.walls, self.cell)
        new = there.gather(2, chosen[..., None, None].expand(*chosen.shape, 1, 2)).squeeze(2)
        if self.manners is not None:
            chance = self._manner_chance[:, self.time]
            new, self.manners = settle(self.cell, new, self.layout.agents, self.manners, chance, decide)
        moved = new - self.cell
        self.facing = torch.where(moved.any(-1, keepdim=True), moved, self.facing)
        self.cell, self.time = new, self.time + 1
        self._look(self._happen())
        self._push()
        return self.scene(self.observed)

    def log_odds(self) -> Float[Tensor, "E N A"]:
        """Log-probability of each of `MOVES` for every agent, by its own beliefs and values.

        An agent seeks the thing k of most worth_k - d(here, k), where it expects it (`Beliefs.expected`), and steps by
        p(a) ~ exp(-beta * d(next cell, k)); worths are weighed by its social value orientation: cos(svo) of its own,
        less sin(svo) of the most that another values it. Who has arrived, or knows nothing that it wants, stays.
        """
        there = destinations(self.layout.walls, self.cell)
        believed = self.beliefs.expected(self.layout.meets)
        known = believed != UNKNOWN
        if self._ways is None or not torch.equal(self._ways[0], believed):  # nothing new: the same ways as before
            self._ways = (believed, distances(self.layout.walls, self.cells(believed.clamp(min=0)).flatten(1, 2)))
        maps = self._ways[1]
        ways = at(maps, there.flatten(1, 2))
        e, n, k = believed.shape
        own = torch.arange(n, device=self.device)
        ways = ways.view(e, n, k, n, len(MOVES))[:, own, :, own].movedim(0, 1)  # each agent's own way: [E,N,K,A]
        worth = self.layout.valued().masked_fill(~known, -torch.inf)
        best = (worth - ways[..., STAY]).argmax(-1)
        aim = ways.gather(2, best[..., None, None].expand(e, n, 1, len(MOVES))).squeeze(2)
        logits = -self.beta * aim
        logits[..., STAY] = -torch.inf
        still = (worth.amax(-1) == -torch.inf) | (aim[..., STAY] == 0) | self.done
        stay = torch.full_like(logits, -torch.inf)
        stay[..., STAY] = 0.0
        return torch.where(still[..., None], stay, logits.log_softmax(-1))

    def sought(self) -> Int[Tensor, "E N"]:
        """The thing that each agent values most, -1: none."""
        best = self.layout.valued().max(-1)
        return torch.where(best.values.isfinite(), best.indices, -1)

    def place(self, cell: Int[Tensor, "... 2"]) -> Int[Tensor, "..."]:
        """Cell indices, as beliefs have them."""
        return cell[..., 0] * self.layout.walls.shape[2] + cell[..., 1]

    def cells(self, place: Int[Tensor, "..."]) -> Int[Tensor, "... 2"]:
        """Cells of indices."""
        y = self.layout.walls.shape[2]
        return torch.stack((place // y, place % y), dim=-1)

    def scene(self, frames: int | None) -> Scene:
        """What is seen now: the last `frames` frames (None: all): agents first, then things, at 1 m a cell."""
        held = self._frames if frames is None else self._frames[-frames:]
        position = torch.cat([torch.stack(part, dim=2) for part in zip(*held, strict=True)], dim=1).float()
        present = torch.cat((self.layout.agents, self.layout.things), dim=1)
        person = torch.full_like(self.layout.start[..., 0], PEDESTRIAN)
        return Scene.from_arrays(
            position,
            self.dt,
            present=present[..., None],
            kind=torch.cat((person, self.layout.kind), dim=1),
            radius=RADIUS,
            walls=self._outlines,
            truth=self._truth(),
        )

    def history(self) -> Scene:
        """The whole run so far, every frame since the start."""
        return self.scene(None)

    def branch(self, copies: int = 1) -> Self:
        """A village in the same state, every scene `copies` times in a row; this one is left as it is."""
        new = copy.copy(self)
        for name, value in vars(self).items():
            setattr(new, name, again(value, copies))
        new._ways = None
        new.seeds = [seed for seed in self.seeds for _ in range(copies)]
        return new

    def names(self) -> list[str]:
        """Name of each scene: of its scenario, and its seed."""
        return [f"{self._scenario(seed).name}-{seed:07d}" for seed in self.seeds]

    def _scenario(self, seed: int) -> VillageScenario:
        return self.scenarios[seed % len(self.scenarios)]

    def _chances(self, rngs: list, shapes: list[tuple[int, ...]], most: tuple[int, ...]) -> Tensor:
        """Uniform numbers `[E,limit,...]`, a scene's own from its own generator whatever the padding."""
        out = np.ones((len(rngs), self.limit, *most), np.float32)
        for row, rng, shape in zip(out, rngs, shapes, strict=True):
            row[(slice(None), *(slice(size) for size in shape))] = rng.random((self.limit, *shape))
        return torch.as_tensor(out, device=self.device)

    def _strangers(self, deal: Tensor, first: Tensor) -> Manners:
        """Rules dealt out by the chances `deal [E,N]`, first moves by `first [E,N]`; both decide nothing else."""
        dealt = (deal * len(self.rules)).long().clamp(max=len(self.rules) - 1)
        return Manners.strangers(self.rules.to(self.device)[dealt], first)

    def _choose(self) -> Int[Tensor, "E N"]:
        below = self.log_odds().exp().cumsum(-1)
        chance = self._step_chance[:, self.time, :, None] * below[..., -1:]
        return (chance >= below).sum(-1).clamp(max=len(MOVES) - 1)

    def _happen(self) -> Bool[Tensor, "E K"]:
        """Move things whose time has come; returns which. `self._before` keeps where they were."""
        self._before = self.thing
        event, new = self.layout.event, self.thing.clone()
        due, which = (event[..., 0] == self.time).nonzero(as_tuple=True)
        new[due, event[due, which, 1]] = event[due, which, 2:]
        self.thing = new
        return (new != self._before).any(-1)

    def _look(self, moved: Bool[Tensor, "E K"]) -> None:
        """Beliefs follow: a move is seen by who has its start or end in view, an open thing by who has it in view."""
        walls, cell, facing = self.layout.walls, self.cell, self.facing
        now = sees(walls, cell, facing, self.thing, self.half_angle)
        then = sees(walls, cell, facing, self._before, self.half_angle)
        shown = torch.where(moved[:, None], now | then, now & ~self.layout.boxed[:, None])
        self.visible = shown & self.layout.things[:, None] & self.layout.agents[..., None]
        heed = self._notice_chance[:, self.time - 1] < self.notice
        # what is swapped is taken in together: the first moved thing decides for all that move in this frame
        first = moved.float().argmax(-1)[:, None, None].expand(*heed.shape[:2], 1)
        together = torch.where(moved[:, None], heed.gather(2, first), heed)
        self.noticed = self.visible & together
        watched = sees(walls, cell, facing, cell, self.half_angle) & self.layout.agents[:, None]
        watched = watched & (self._heed_chance[:, self.time - 1] < self.notice)[..., None]
        self.beliefs = self.beliefs.update(self.place(self.thing), self.noticed, self.visible, watched)
        best = self.layout.valued().max(-1, keepdim=True)
        here = self.beliefs.expected(self.layout.meets).gather(2, best.indices)[..., 0] == self.place(cell)
        self.done = self.done | (here & best.values[..., 0].isfinite())

    def _push(self) -> None:
        self._frames.append((self.cell, self.thing))

    def _truth(self) -> TensorDict:
        """For probes: what nobody sees, agents' rows; those of things are empty (-1, 0)."""
        things = self.layout.things.shape[1]

        def rows(value: Tensor, fill: float) -> Tensor:
            return torch.cat((value, value.new_full((value.shape[0], things, *value.shape[2:]), fill)), dim=1)

        return TensorDict(
            {
                "goal": rows(self.sought(), -1),
                "belief": rows(self.beliefs.place, UNKNOWN),
                "expected": rows(self.beliefs.expected(self.layout.meets), UNKNOWN),
                "worth": rows(self.layout.worth, 0.0),
                "svo": rows(self.layout.svo, 0.0),
            },
            batch_size=[len(self.seeds)],
        )
