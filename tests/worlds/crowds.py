"""Random crowds for the tests of the worlds."""

import numpy as np
import torch

from jepa_social.data.schema import Recording


def random_crowd(batch: int, people: int, side: float, seed: int = 0, dtype: torch.dtype = torch.float64):
    """Positions, velocities, preferred velocities `[E,N,2]`, radii and greatest speeds `[E,N]`, presence `[E,N]`."""
    rng = np.random.default_rng(seed)
    arrays = (
        rng.uniform(-side / 2, side / 2, (batch, people, 2)),
        rng.normal(0, 0.7, (batch, people, 2)),
        rng.normal(0, 1.0, (batch, people, 2)),
        rng.uniform(0.2, 0.4, (batch, people)),
        rng.uniform(0.7, 1.5, (batch, people)),
    )
    rounded = tuple(torch.tensor(array.astype(np.float32)).to(dtype) for array in arrays)
    return (*rounded, torch.ones(batch, people, dtype=torch.bool))


def straight_log(name: str = "log", people: int = 3, frames: int = 40, dt: float = 0.4) -> Recording:
    """People who walk in parallel at 1 m/s, 2 m apart; the last comes 5 frames late."""
    frame, agent = np.divmod(np.arange(people * frames), people)
    keep = (agent < people - 1) | (frame >= 5)
    frame, agent = frame[keep], agent[keep]
    return Recording(name, dt, frame * dt, agent + 7, np.zeros_like(agent), frame * dt, 2.0 * agent)
