"""The moment that costs and solvers are shown in."""

import torch

from jepa_social.scene import Scene

PEOPLE = ((2.2, 0.55, 0.5, 0.0), (2.2, -0.55, 0.5, 0.0), (4.0, -2.6, -0.8, 0.6))
"""x, y m and velocity m/s: two who walk together ahead of the ego, and one who crosses."""


def gallery_scene(dt: float, frames: int = 8, speed: float = 1.4) -> Scene:
    """An ego on its way along x, and `PEOPLE`, all at constant velocity until now."""
    now = torch.tensor([(0.0, 0.0, 1.0, 0.0), *PEOPLE])
    time = dt * torch.arange(1 - frames, 1).view(1, -1, 1)
    return Scene.from_arrays(now[:, None, :2] + time * now[:, None, 2:], dt, ego=0, goal=(6.0, 0.0), speed=speed)
