"""One village as a PettingZoo `ParallelEnv`: every agent acts at once and sees only what is in its own view."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from pettingzoo import ParallelEnv

from jepa_social.scene import KINDS
from jepa_social.worlds.village.grid import MOVES, sees
from jepa_social.worlds.village.village import Village

FIELDS = 3
"""An entity in an observation: offset x and y from oneself (cells), kind + 1; all 0 while it is out of view."""


class VillageParallelEnv(ParallelEnv):
    """Agents get what a thing is worth to them (0 at least) for each frame on its cell.

    Observations are `[entities,3]` (see `FIELDS`): agents, oneself among them, then things. Actions index `grid.MOVES`.

    Args:
        village: of one scenario; it is reset with one seed at a time.
        frames: until everybody's episode is cut off.

    Raises:
        ValueError: `frames` is more than the village draws chances for.
    """

    metadata = {"name": "village_v0", "render_modes": []}  # noqa: RUF012 (PettingZoo's own convention)

    def __init__(self, village: Village, frames: int = 30):
        if not 1 <= frames <= village.limit:
            raise ValueError(f"frames={frames} must be in 1..{village.limit}, the village's limit")
        self.village, self.frames, self.render_mode = village, frames, None
        self._seed = 0
        village.reset([0])
        agents, things = village.cell.shape[1], village.thing.shape[1]
        size = max(village.layout.walls.shape[1:])
        self.possible_agents = [f"agent_{n}" for n in range(agents)]
        self.agents: list[str] = []
        low, high = np.array([-size, -size, 0.0]), np.array([size, size, float(len(KINDS))])
        shape = (agents + things, FIELDS)
        space = gym.spaces.Box(
            np.broadcast_to(low, shape).astype(np.float32), np.broadcast_to(high, shape).astype(np.float32)
        )
        self.observation_spaces = dict.fromkeys(self.possible_agents, space)
        self.action_spaces = {name: gym.spaces.Discrete(len(MOVES)) for name in self.possible_agents}

    def observation_space(self, agent: str) -> gym.Space:
        """The same for all."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gym.Space:
        """Stay, or step to one of four neighbours."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """A scene of the seed, or of the next one."""
        self._seed = self._seed + 1 if seed is None else seed
        self.village.reset([self._seed])
        self.agents = list(self.possible_agents)
        return self._observe(), {name: {} for name in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Everybody at once; who is not told what to do decides by itself."""
        self.village.step(torch.tensor([[int(actions.get(name, -1)) for name in self.possible_agents]]))
        on_it = (self.village.cell[:, :, None] == self.village.thing[:, None]).all(-1)[0]
        gain = (self.village.layout.worth[0].clamp(min=0.0) * on_it).sum(-1)
        over, names = self.village.time >= self.frames, self.agents
        result = (
            self._observe(),
            {name: float(gain[n]) for n, name in enumerate(names)},
            dict.fromkeys(names, False),
            dict.fromkeys(names, over),
            {name: {} for name in names},
        )
        if over:
            self.agents = []
        return result

    def _observe(self) -> dict[str, np.ndarray]:
        village = self.village
        place = torch.cat((village.cell, village.thing), dim=1)
        person = torch.full_like(village.cell[..., 0], KINDS.index("pedestrian"))
        kind = torch.cat((person, village.layout.kind), dim=1)[0]
        hidden = torch.cat((torch.zeros_like(person, dtype=torch.bool), village.layout.boxed), dim=1)
        seen = sees(village.layout.walls, village.cell, village.facing, place, village.half_angle)[0] & ~hidden
        seen[:, village.cell.shape[1] :] |= village.visible[0]
        offset = (place - village.cell.transpose(0, 1)).float()
        view = torch.cat((offset, (kind + 1).float().expand(len(offset), -1)[..., None]), dim=-1)
        return {
            name: row.numpy().astype(np.float32)
            for name, row in zip(self.possible_agents, view * seen[..., None], strict=True)
        }
