"""A batched crowd as a vectorised environment of Stable-Baselines3, each scene started anew when it is over."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from jepa_social.planning.learned import OTHER, OWN, View
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.reward import least_gap, reward

LARGE = 1.0e6
"""Bound of the observation box."""


class CrowdVecEnv(VecEnv):
    """`scenes` of a crowd side by side; observations are `View.flat`, actions its units, the reward CrowdNav's.

    An episode ends on arrival, collision or at the time limit (truncated). Ended ones are replaced by the next of a
    pool drawn once, in an order that is shuffled whenever it has been gone through.

    Args:
        world: to run; its people are as many as `seen` at most in view.
        seeds: of the pool, at least `scenes`.
        scenes: run side by side.
        seen: people in view.
        seed: of the pool's order.
    """

    def __init__(self, world: Crowd, seeds: Sequence[int], scenes: int, seen: int, seed: int = 0):
        if not 1 <= scenes <= len(seeds):
            raise ValueError(f"rl.scenes={scenes} must lie between 1 and the pool of {len(seeds)} seeds (rl.pool)")
        self.pool, self.seen = world, seen
        world.reset(seeds)
        self.order, self.rng = torch.zeros(0, dtype=torch.long), np.random.default_rng(seed)
        self.render_mode = None
        size = OWN + seen * (OTHER + 1)
        super().__init__(scenes, spaces.Box(-LARGE, LARGE, (size,)), spaces.Box(-1.0, 1.0, (2,)))
        self.reset()

    def reset(self) -> np.ndarray:
        """Start every scene anew."""
        self.world = self.pool.branch(scenes=self._next(self.num_envs).tolist())
        self.steps, self.gained = np.zeros(self.num_envs, dtype=int), np.zeros(self.num_envs)
        return self._observe()

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for `step_wait`."""
        self.action = torch.as_tensor(actions, dtype=torch.float32)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Move everybody; ended scenes are told of in `infos` and begin anew."""
        self.world.step(self.view.command(self.action))
        gap, arrived = least_gap(self.world.scene(2), 0), self.world.arrived
        gained = reward(gap, arrived, self.world.dt).float().numpy()
        ended, done = self.world.expired, (gap < 0) | arrived | self.world.expired
        self.steps, self.gained = self.steps + 1, self.gained + gained
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        seen = self._observe()
        if bool(done.any()):
            over = done.nonzero()[:, 0]
            for scene in over.tolist():
                collided, there = bool(gap[scene] < 0), bool(arrived[scene])
                infos[scene] = {
                    "terminal_observation": seen[scene],
                    "TimeLimit.truncated": bool(ended[scene]) and not (collided or there),
                    "is_success": there and not collided,
                    "collided": collided,
                    "episode": {"r": float(self.gained[scene]), "l": int(self.steps[scene]), "t": 0.0},
                }
            self.world.restart(over, self.pool, self._next(len(over)))
            self.steps[over.numpy()], self.gained[over.numpy()] = 0, 0.0
            seen = self._observe()
        return seen, gained, done.numpy(), infos

    def close(self) -> None:
        """Nothing is held."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of this object, once for each scene asked about."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Scenes have no attributes of their own."""
        raise NotImplementedError("the scenes of a crowd share all attributes")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Scenes have no methods of their own."""
        raise NotImplementedError("the scenes of a crowd have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """No scene is wrapped."""
        return [False] * len(list(self._get_indices(indices)))

    def _next(self, count: int) -> torch.Tensor:
        """The next `count` places in the pool."""
        while len(self.order) < count:
            fresh = torch.as_tensor(self.rng.permutation(len(self.pool.limit)))
            self.order = torch.cat((self.order, fresh))
        taken, self.order = self.order[:count], self.order[count:]
        return taken

    def _observe(self) -> np.ndarray:
        self.view = View(self.world.scene(1), self.seen)
        return self.view.flat(self.seen).numpy()
