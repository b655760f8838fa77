"""The worlds as single Gymnasium environments: `jepa_social/Crowd-v0` and `jepa_social/Replay-v0`.

Importing this module registers them: `gymnasium.make("jepa_social.worlds.gym_env:jepa_social/Crowd-v0")`.
The reward is CrowdNav's (see `jepa_social.worlds.reward`).
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from jepa_social.data.schema import Recording
from jepa_social.scene import FAR, Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.replay import Replay
from jepa_social.worlds.reward import least_gap, reward
from jepa_social.worlds.scenarios import CircleCrossing, Scenario
from jepa_social.worlds.world import World

LARGE = 1.0e6
"""Bound of the observation boxes; padding walls lie at `FAR`, well inside."""


class WorldEnv(gymnasium.Env[dict[str, np.ndarray], np.ndarray]):
    """One scene of a world.

    An observation is a dict of float32 arrays in world coordinates: `position`, `velocity` `[agents, observed, 2]`,
    `present` `[agents, observed]`, `radius` `[agents]`, `goal` `[2]`, `speed` `[1]`, `walls` `[walls, 4]`; agent 0 is
    the ego. Agents beyond `agents` (the farthest from the ego) and walls beyond `walls` are left out. The action is a
    velocity in m/s. An episode terminates on arrival or collision and is truncated at the time limit.

    Args:
        world: what runs.
        agents: slots for agents, the ego's included.
        walls: slots for walls.
        fastest: m/s, bound of the action box (the world cuts the action to the ego's own speed).
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(self, world: World, agents: int, walls: int, fastest: float):
        self.world, self.agents, self.walls = world, agents, walls
        self.render_mode = None
        space = observation_space(agents, world.observed, walls)
        self.observation_space = space  # pyright: ignore[reportAttributeAccessIssue]
        self.action_space = spaces.Box(-fastest, fastest, (2,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Start the episode of a seed drawn from the environment's generator (itself seeded by `seed`)."""
        super().reset(seed=seed)
        scene = self.world.reset([int(self.np_random.integers(2**31))])
        return self._observe(scene), {"scenario": self.world.scenario_names()[0]}

    def step(self, action: np.ndarray):
        """Move the ego by `action [2]` m/s."""
        scene = self.world.step(torch.as_tensor(np.asarray(action))[None])
        gap, arrived = least_gap(self.world.scene(2), 0), self.world.arrived
        gained = float(reward(gap, arrived, self.world.dt)[0])
        gap, arrived = float(gap[0]), bool(arrived[0])
        collided = gap < 0
        truncated = bool(self.world.expired[0]) and not (arrived or collided)
        info = {"arrived": arrived and not collided, "collided": collided, "gap": gap}
        return self._observe(scene), gained, arrived or collided, truncated, info

    def _observe(self, scene: Scene) -> dict[str, np.ndarray]:
        assert scene.goal is not None
        assert scene.speed is not None
        return observe(scene, 0, scene.goal[0], scene.speed[0], self.agents, self.walls)


def observation_space(agents: int, observed: int, walls: int) -> spaces.Dict:
    """Boxes of what `observe` gives (see `WorldEnv`)."""
    shapes = {
        "position": (agents, observed, 2),
        "velocity": (agents, observed, 2),
        "present": (agents, observed),
        "radius": (agents,),
        "goal": (2,),
        "speed": (1,),
        "walls": (walls, 4),
    }
    boxes = {name: spaces.Box(-LARGE, LARGE, shape) for name, shape in shapes.items()}
    return spaces.Dict(boxes)  # pyright: ignore[reportArgumentType]


def observe(
    scene: Scene, ego: int, goal: torch.Tensor, speed: torch.Tensor, agents: int, walls: int
) -> dict[str, np.ndarray]:
    """What agent `ego` of the first scene sees: itself first, then the others by distance, `agents` slots in all."""
    away = (scene.position[0, :, -1] - scene.position[0, ego, -1]).norm(dim=-1)
    away = torch.where(scene.present[0, :, -1], away, torch.inf)
    away[ego] = -1.0
    order = away.argsort(stable=True)[:agents]
    seen = {"position": scene.position[0], "velocity": scene.velocity[0], "present": scene.present[0]}
    seen["radius"] = scene.radius[0]
    arrays = {name: _fit(value[order], agents, 0.0) for name, value in seen.items()}
    arrays["goal"], arrays["speed"] = _array(goal), _array(speed[None])
    segments = torch.zeros(0, 4) if scene.walls is None else scene.walls[0]
    arrays["walls"] = _fit(segments[:walls], walls, FAR)
    return arrays


class CrowdEnv(WorldEnv):
    """`jepa_social/Crowd-v0`: see `Crowd` for the arguments; `walls` is the number of wall slots.

    There are slots for everybody, however many people the scenarios say that they have.
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario] | None = None,
        people: int | tuple[int, int] = 5,
        walls: int = 8,
        **world: Any,
    ):
        crowd = Crowd(scenario or CircleCrossing(), people, **world)
        super().__init__(crowd, 1 + crowd.others[1], walls, crowd.ego_speed)


class ReplayEnv(WorldEnv):
    """`jepa_social/Replay-v0`: see `Replay` for the arguments; `agents` and `walls` are numbers of slots."""

    def __init__(self, recordings: Sequence[Recording], agents: int = 16, walls: int = 8, **world: Any):
        super().__init__(Replay(recordings, **world), agents, walls, 3.0)


def _array(value: torch.Tensor) -> np.ndarray:
    return value.float().cpu().numpy().copy()


def _fit(value: torch.Tensor, size: int, fill: float) -> np.ndarray:
    array = _array(value)
    rest = np.full((size - len(array), *array.shape[1:]), fill, dtype=np.float32)
    return np.concatenate((array, rest))


gymnasium.register("jepa_social/Crowd-v0", "jepa_social.worlds.gym_env:CrowdEnv")
gymnasium.register("jepa_social/Replay-v0", "jepa_social.worlds.gym_env:ReplayEnv")
