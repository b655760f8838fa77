"""Batched problems with known answers, for solvers."""

from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from jepa_social.planning.solvers import Objective, Solver

GROUP = Path(__file__).resolve().parents[2] / "configs" / "solver"
NAMES = sorted(path.stem for path in GROUP.glob("*.yaml"))
"""Every option of the config group `solver`."""
SAMPLING = [name for name in NAMES if name != "gradient"]
B, P = 12, 6


def made(name: str, **changes: Any) -> Solver:
    """The solver of `configs/solver/<name>.yaml` with `changes`."""
    return instantiate(OmegaConf.load(GROUP / f"{name}.yaml"), **changes)


def optimum(batch: int = B) -> torch.Tensor:
    """Where the least is, within reach of `start`."""
    return 0.8 * torch.randn(batch, P, generator=torch.Generator().manual_seed(3))


def start(batch: int = B) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean, spread and guesses."""
    guesses = torch.randn(batch, 8, P, generator=torch.Generator().manual_seed(5))
    return torch.zeros(batch, P), torch.ones(batch, P), guesses


def quadratic(best: torch.Tensor) -> Objective:
    """Ill-conditioned by 25; its least is 0 at `best`."""
    weight = torch.tensor([1.0, 5.0, 0.2, 2.0, 1.0, 0.5])
    return lambda plans: (weight * (plans - best[:, None]).square()).sum(-1)


def rastrigin(best: torch.Tensor) -> Objective:
    """Many valleys around the least, 0 at `best`."""

    def cost(plans: torch.Tensor) -> torch.Tensor:
        away = plans - best[:, None]
        return (away.square() + 0.5 - 0.5 * (2 * torch.pi * away).cos()).sum(-1)

    return cost


def two_ways(best: torch.Tensor) -> Objective:
    """Three knots past somebody who stands on the straight line: a valley on either side, one a little deeper."""
    side = torch.sign(best[:, :1])

    def cost(plans: torch.Tensor) -> torch.Tensor:
        knots = plans.unflatten(-1, (3, 2))
        path = knots.cumsum(2)
        goal = torch.tensor([3.0, 0.0])
        near = (-((path - torch.tensor([1.5, 0.0])).square().sum(-1)) / 0.5).exp().sum(-1)
        smooth = 0.3 * knots.diff(dim=2).square().sum((2, 3))
        return (path[:, :, -1] - goal).square().sum(-1) + 3.0 * near + smooth - 0.1 * side * path[:, :, 1, 1].tanh()

    return cost
