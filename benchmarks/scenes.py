"""Scenes to measure on: random walks, everybody present, in a square that keeps the crowd's density."""

import torch

from jepa_social.scene import Scene


def walks(scenes: int, agents: int, frames: int, dt: float = 0.4, seed: int = 0) -> Scene:
    """Pedestrians at about 1.3 m/s, one to 8 m2 (a dense ETH/UCY scene); agent 0 is the ego."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    start = (8.0 * agents) ** 0.5 * torch.rand(scenes, agents, 1, 2, generator=generator)
    velocity = normal(scenes, agents, 1, 2) + 0.1 * normal(scenes, agents, frames, 2).cumsum(2)
    ego = torch.zeros(scenes)
    return Scene.from_arrays(start + (dt * velocity).cumsum(2), dt, ego=ego, goal=torch.zeros(scenes, 2), speed=1.3)
