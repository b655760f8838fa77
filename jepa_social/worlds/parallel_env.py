"""The crowd as a PettingZoo `ParallelEnv`: several egos act at once, the others are scripted.

Observations, actions and rewards are those of `gym_env.WorldEnv`, each seen from its own ego.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv
from torch import Tensor

from jepa_social.scene import KINDS, Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.gym_env import observation_space, observe
from jepa_social.worlds.reward import least_gap, reward
from jepa_social.worlds.scenarios import CircleCrossing, Scenario
from jepa_social.worlds.world import ARRIVED


class SharedCrowd(Crowd):
    """A `Crowd` of one scene whose first `egos` agents are moved by the caller, who see and are seen by everybody.

    Each has the goal, speed and radius that the scenario gave it.
    """

    def __init__(self, scenario: Scenario | Sequence[Scenario], people: int, egos: int, **world: Any):
        super().__init__(scenario, people, visible=True, **world)
        if not 1 <= egos <= 1 + self.others[0]:
            raise ValueError(f"egos={egos} must lie between 1 and all {1 + self.others[0]} agents of the scene")
        self.egos = egos

    def reset(self, seeds: Sequence[int]) -> Scene:
        """See `World`; one seed."""
        super().reset(seeds)
        self._track.kind[:, : self.egos] = KINDS.index("robot")
        self._steering = torch.zeros(1, self.egos, 2, dtype=torch.float64, device=self.device)
        return self.scene()

    def step_all(self, action: Tensor) -> Scene:
        """Move the egos by `action [egos,2]` m/s, cut to the greatest speed of each; see `World.step`."""
        if tuple(action.shape) != (self.egos, 2) or not bool(action.isfinite().all()):
            raise ValueError(f"action must be finite and [{self.egos},2] (m/s, one per ego), got {action.tolist()}")
        wanted = action.detach().to(self._steering)[None]
        speed = wanted.norm(dim=-1, keepdim=True).clamp(min=1e-9)
        self._steering = wanted * (self.greatest_speeds[None, :, None] / speed).clamp(max=1.0)
        return self.step(self._steering[:, 0])

    def remove(self, ego: int) -> None:
        """Take an ego out of the scene from the next frame on."""
        present = self._people.present.clone()
        present[:, ego] = False
        self._people = replace(self._people, present=present)

    @property
    def greatest_speeds(self) -> Tensor:
        """`[egos]` m/s."""
        return self._people.speed[0, : self.egos]

    @property
    def goals(self) -> Tensor:
        """`[egos,2]` m, where each is bound for now."""
        return self._goal()[0, : self.egos]

    @property
    def at_goal(self) -> Tensor:
        """`[egos]` bool: nearer than `ARRIVED` to the last of its goals."""
        return (self._position[0, : self.egos] - self._people.goals[0, : self.egos, -1]).norm(dim=-1) < ARRIVED

    def _steered(self, velocity: Tensor) -> Tensor:
        return torch.cat((self._steering, velocity[:, self.egos :]), dim=1)


class ParallelCrowd(ParallelEnv[str, dict[str, np.ndarray], np.ndarray]):
    """Agents `ego_0`, `ego_1`, … of one crowd.

    An ego terminates on arrival or collision and is truncated at the time limit; it then leaves the scene.

    Args:
        scenario: see `Crowd`.
        people: others than `ego_0`, in scenarios that do not say so themselves.
        egos: how many agents are controlled, `ego_0` included; up to 1 + `people`, which is everybody.
        walls: slots for walls in an observation.
        world: further arguments of `Crowd`; `visible` is always true.
    """

    metadata = {"name": "jepa_social/ParallelCrowd-v0", "render_modes": []}  # noqa: RUF012 - PettingZoo's convention

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario] | None = None,
        people: int = 5,
        egos: int = 3,
        walls: int = 8,
        **world: Any,
    ):
        self.world = SharedCrowd(scenario or CircleCrossing(), people, egos, **world)
        self.slots, self.walls = 1 + self.world.others[1], walls
        self.render_mode = None
        self.possible_agents = [f"ego_{i}" for i in range(egos)]
        self.agents: list[str] = []
        fastest = max(self.world.ego_speed, self.world.population.speed_range[1])
        space = observation_space(self.slots, self.world.observed, walls)
        self.observation_spaces: dict[str, spaces.Space] = dict.fromkeys(self.possible_agents, space)
        self.action_spaces: dict[str, spaces.Space] = {
            agent: spaces.Box(-fastest, fastest, (2,)) for agent in self.possible_agents
        }
        self._chance = seeding.np_random()[0]

    def observation_space(self, agent: str) -> spaces.Space:
        """Of any agent (they are alike)."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """A velocity, m/s."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None):
        """Start the episode of a seed drawn from the environment's generator (itself seeded by `seed`)."""
        if seed is not None:
            self._chance = seeding.np_random(seed)[0]
        scene = self.world.reset([int(self._chance.integers(2**31))])
        self.agents = list(self.possible_agents)
        name = self.world.scenario_names()[0]
        return self._observe(scene), {agent: {"scenario": name} for agent in self.agents}

    def step(self, actions: dict[str, np.ndarray]):
        """Move all egos at once.

        Raises:
            ValueError: an agent that is still there was given no action.
        """
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise ValueError(f"no action for {', '.join(missing)}: everybody in env.agents acts at every step")
        moves = torch.zeros(len(self.possible_agents), 2, dtype=torch.float64)
        for agent in self.agents:
            moves[index(agent)] = torch.as_tensor(np.asarray(actions[agent], dtype=np.float64))
        scene = self.world.step_all(moves)
        last, late = self.world.scene(2), bool(self.world.expired[0])
        gaps = {agent: float(least_gap(last, index(agent))[0]) for agent in self.agents}
        arrived = {agent: bool(self.world.at_goal[index(agent)]) for agent in self.agents}
        terminated = {agent: arrived[agent] or gaps[agent] < 0 for agent in self.agents}
        truncated = {agent: late and not terminated[agent] for agent in self.agents}
        outcome = {agent: (torch.tensor(gaps[agent]), torch.tensor(arrived[agent])) for agent in self.agents}
        rewards = {agent: float(reward(*outcome[agent], self.world.dt)) for agent in self.agents}
        infos = {
            agent: {"arrived": arrived[agent] and gaps[agent] >= 0, "collided": gaps[agent] < 0, "gap": gaps[agent]}
            for agent in self.agents
        }
        seen = self._observe(scene)
        over = [agent for agent in self.agents if terminated[agent] or truncated[agent]]
        for agent in over:
            self.world.remove(index(agent))
        self.agents = [agent for agent in self.agents if agent not in over]
        return seen, rewards, terminated, truncated, infos

    def scenes(self) -> Scene:
        """What `agents` plan from, a scene for each of them: the batch `[len(agents),N,T]` differs in its ego only.

        `policy.act(env.scenes())` then plans for all of them at once, nobody knowing another's plan.
        """
        rows = torch.tensor([index(agent) for agent in self.agents], dtype=torch.long)
        scene = self.world.scene()[torch.zeros_like(rows)]
        scene.ego, scene.truth = rows, None
        scene.goal, scene.speed = self.world.goals[rows].float(), self.world.greatest_speeds[rows].float()
        return scene

    def _observe(self, scene: Scene) -> dict[str, dict[str, np.ndarray]]:
        goals, speeds = self.world.goals, self.world.greatest_speeds
        rows = {agent: index(agent) for agent in self.agents}
        return {a: observe(scene, i, goals[i], speeds[i], self.slots, self.walls) for a, i in rows.items()}


def index(agent: str) -> int:
    """Slot of an agent in the scene."""
    return int(agent.removeprefix("ego_"))
