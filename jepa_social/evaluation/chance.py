"""Random numbers that belong to an agent, not to its place in a batch.

A generator hands out numbers in order, so padding, batching and the order of agents would change everybody's. Here a
number is a hash of what was seen of the agent, the number of the draw and the seed (SplitMix64, Steele et al. 2014).
"""

import torch
from torch import Tensor

from jepa_social.scene import Scene


def uniform(scene: Scene, samples: int, seed: int) -> Tensor:
    """Independent numbers in (0, 1) for every agent: `[B,S,N]` float64, by its last two positions and `seed`."""
    state = torch.full(scene.position.shape[:2], seed, dtype=torch.long, device=scene.position.device)
    for bits in scene.position[:, :, -2:].contiguous().view(torch.int32).flatten(2).long().unbind(-1):
        state = _mixed(state ^ bits)
    draws = torch.arange(1, samples + 1, device=state.device)[:, None]
    bits = _mixed(state[:, None] + draws * _signed(0x9E3779B97F4A7C15))
    return _unit(bits)


def normal(scene: Scene, samples: int, seed: int) -> Tensor:
    """Independent standard normal numbers for every agent: `[B,S,N]` float64, as `uniform`."""
    return torch.special.ndtri(uniform(scene, samples, seed))


def _unit(bits: Tensor) -> Tensor:
    """The upper 52 bits as a number in (0, 1), ends excluded."""
    return (((bits >> 12) & (2**52 - 1)).double() + 0.5) / 2**52


def _mixed(value: Tensor) -> Tensor:
    """SplitMix64's finaliser: every bit of the input flips half of the output."""
    value = value + _signed(0x9E3779B97F4A7C15)
    value = (value ^ _shifted(value, 30)) * _signed(0xBF58476D1CE4E5B9)
    value = (value ^ _shifted(value, 27)) * _signed(0x94D049BB133111EB)
    return value ^ _shifted(value, 31)


def _shifted(value: Tensor, by: int) -> Tensor:
    """Right shift without copying the sign: torch has no unsigned 64-bit arithmetic."""
    return (value >> by) & (2 ** (64 - by) - 1)


def _signed(constant: int) -> int:
    return constant - 2**64 if constant >= 2**63 else constant
