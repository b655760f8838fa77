"""An ego that tries many things: how logs for pretraining get varied, action-rich egos.

Every episode draws, from its own seed, a way of walking (ORCA, social force or straight ahead), a pace, a smooth random
velocity (an Ornstein-Uhlenbeck process) and perhaps a stop. A model that only saw one expert could not tell what
follows from another action.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from jepa_social.scene import Scene
from jepa_social.worlds.ego import common_step, last_frame, own_limits, to_goal, within_limits
from jepa_social.worlds.orca import orca_velocity
from jepa_social.worlds.social_force import social_force_velocity

SMOOTH = 1.0
"""s, correlation time of the random velocity."""
NOISE = 0.4
"""m/s, greatest standard deviation of the random velocity (each episode draws its own below it)."""
STOPS = 0.3
"""Share of episodes in which the ego stands still for a while."""


class Explorer:
    """The exploratory ego of E episodes.

    Args:
        seeds: of the episodes.
        steps: most steps of an episode.
        dt: s.
    """

    def __init__(self, seeds: Sequence[int], steps: int, dt: float):
        way, margin, pace, stop, drift = [], [], [], [], []
        for seed in seeds:
            rng = np.random.default_rng((seed, 1))
            way.append(rng.integers(3))
            margin.append(rng.uniform(0.0, 0.3))
            pace.append(rng.uniform(0.4, 1.0))
            begin, length = rng.uniform(0, 6.0), rng.uniform(1.0, 4.0) * (rng.random() < STOPS)
            stop.append((begin, begin + length))
            drift.append(rng.uniform(0.0, NOISE) * rng.standard_normal((steps, 2)))
        self.way, self.margin, self.pace = torch.tensor(np.array(way)), torch.tensor(margin), torch.tensor(pace)
        self.stop = torch.tensor(stop)
        keep = float(np.exp(-dt / SMOOTH))
        shocks = np.stack(drift)
        for k in range(1, steps):
            shocks[:, k] = keep * shocks[:, k - 1] + (1 - keep**2) ** 0.5 * shocks[:, k]
        self.drift = torch.tensor(shocks)
        self._now = 0

    def act(self, scene: Scene) -> Tensor:
        """Velocity `[E,2]` m/s for the next step."""
        present, position, velocity, ego = last_frame(scene)
        pace = self.pace.to(scene.position)
        speed = (pace * own_limits(scene)[1])[:, None]
        wanted = (to_goal(scene) * pace[:, None])[:, None]
        dt = common_step(scene)
        crowd = (position, velocity, wanted, scene.radius, speed, present)
        margin = self.margin.to(scene.position)[:, None, None]
        orca = orca_velocity(*crowd, 5.0, dt, walls=scene.walls, margin=margin, agents=ego)
        force = social_force_velocity(*crowd, dt, walls=scene.walls, margin=margin, agents=ego)
        ways = torch.stack((orca[:, 0], force[:, 0], wanted[:, 0]), dim=1)
        action = ways[torch.arange(len(ways), device=ways.device), self.way.to(ways.device)]
        action = action + self.drift[:, min(self._now, self.drift.shape[1] - 1)].to(action)
        time = self._now * dt
        standing = ((self.stop[:, 0] <= time) & (time < self.stop[:, 1])).to(action.device)
        self._now += 1
        return torch.where(standing[:, None], 0.0, within_limits(action, scene))
