"""Shared fixtures: small random scenes and the real logs, where they are to be had.

While tests run, the shapes and types that the model, mind and planning rooms promise in their annotations are checked.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

import tests.typechecking

CHECKED = ["jepa_social.models", "jepa_social.mind", "jepa_social.planning"]
install_import_hook(CHECKED, f"{tests.typechecking.__name__}.check")  # before anything imports them

from jepa_social.scene import Scene  # noqa: E402


def random_scene(batch: int = 3, agents: int = 5, frames: int = 12, seed: int = 0, gaps: bool = True) -> Scene:
    """Smooth random walks with agents that come late, leave early and pad."""
    generator = torch.Generator().manual_seed(seed)
    velocity = torch.randn(batch, agents, 1, 2, generator=generator)
    velocity = velocity + 0.2 * torch.randn(batch, agents, frames, 2, generator=generator).cumsum(2)
    position = 4 * torch.randn(batch, agents, 1, 2, generator=generator) + (0.4 * velocity).cumsum(2)
    present = torch.ones(batch, agents, frames, dtype=torch.bool)
    if gaps:
        present[:, -1, :3] = False
        present[:, -2, frames // 2 + 2 :] = False
        present[0, -1] = False
    return Scene.from_arrays(
        position,
        0.4,
        present=present,
        ego=torch.zeros(batch),
        goal=torch.randn(batch, 2, generator=generator) * 5,
        speed=1.2,
    )


@pytest.fixture
def scene() -> Scene:
    return random_scene()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Root of the real logs (`JEPA_SOCIAL_DATA`, else `data/` of the checkout)."""
    default = Path(__file__).resolve().parents[1] / "data"
    root = Path(os.environ.get("JEPA_SOCIAL_DATA", default))
    if not (root / "eth_ucy").is_dir():
        pytest.skip(f"real logs are absent: no {root}/eth_ucy (set JEPA_SOCIAL_DATA)")
    return root


def line(velocity=(1.0, 0.5), frames: int = 9, dt: float = 0.4, start=(0.0, 0.0), **extras) -> Scene:
    """One agent that walks straight."""
    time = dt * np.arange(frames)[:, None]
    return Scene.from_arrays((np.array(start) + time * np.array(velocity))[None], dt, **extras)
