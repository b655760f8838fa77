"""What comes from other people's code: arrays of any kind become tensors, and what no scene can hold is refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

FARTHEST = 1.0e5
"""m from the origin beyond which 32-bit floats no longer resolve a centimetre."""


def as_tensor(value: Any, name: str) -> Tensor:
    """A tensor of anything array-like; arrays are copied, which also serves reversed and read-only ones.

    Raises:
        ValueError: `value`, called `name`, is ragged or holds no numbers.
    """
    if isinstance(value, Tensor):
        return value
    try:
        return torch.as_tensor(np.array(value, order="C"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers with rows of equal length: {error}") from error


def refuse_nonsense(fields: Mapping[str, Tensor | None], present: Tensor, kinds: int) -> None:
    """Check the fields of a `Scene`; slots that are absent throughout may hold anything.

    Args:
        fields: by their names; None where there is none.
        present: `[B,N,T]` bool.
        kinds: how many kinds of agents there are.

    Raises:
        ValueError: naming field, scene and remedy.
    """
    agents, there = present.shape[1], present.any(-1)
    rules = {
        "position": (
            lambda x: (x.abs() <= FARTHEST) | (x.dtype == torch.float64),
            f"must lie within {FARTHEST:g} m of the origin in 32-bit floats: give 64-bit ones, or subtract an origin "
            "near by from everything",
        ),
        "velocity": (lambda x: x.isfinite(), "must be finite or NaN (unknown), in m/s"),
        "heading": (lambda x: x.isfinite(), "must be finite or NaN (unknown), in rad"),
        "kind": (lambda x: (x >= 0) & (x < kinds), f"must be an index into the {kinds} of scene.KINDS"),
        "radius": (lambda x: ~there | ((x >= 0) & x.isfinite()), "must be finite and not negative, in metres"),
        "ego": (lambda x: (x >= -1) & (x < agents), f"must be the index of one of {agents} agents, or -1 for nobody"),
        "goal": (lambda x: x.isfinite(), "must be finite, in metres"),
        "speed": (lambda x: (x >= 0) & x.isfinite(), "must be finite and not negative, in m/s"),
        "walls": (lambda x: x.isfinite(), "must be finite, in metres"),
    }
    for name, (holds, rule) in rules.items():
        value = fields[name]
        if value is None:
            continue
        wrong = (~holds(value)).nonzero()
        if len(wrong):
            place = tuple(wrong[0].tolist())
            raise ValueError(f"{name} {rule}; scene {place[0]} has {value[place].item():g}")
