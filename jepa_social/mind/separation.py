"""Separation: forecasts of single agents walk through each other, people do not."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import distances

APART = 0.25
"""m between centres that a forecast keeps: recorded people are hardly ever nearer than 0.2 m."""
CLOSEST = 1e-3
"""m below which two places are told apart less and less: of one place there is no direction to give way in, and what
32-bit floats make of it must not be blown up to one."""
ROUNDS = 5


def keep_apart(path: Float[Tensor, "B S N H 2"], here: Bool[Tensor, "B N"]) -> Float[Tensor, "B S N H 2"]:
    """Paths (m) pushed apart where two agents come nearer than `APART`, at steps and half-way between them.

    Position-based dynamics (Müller et al. 2007): both give way by half of what is missing, a few times over. A step
    depends on no later one, and agents not `here` push nobody. Who is nobody's neighbour is not moved.
    """
    both = here[:, :, None] & here[:, None, :] & ~torch.eye(here.shape[1], dtype=torch.bool, device=here.device)
    for _ in range(ROUNDS):
        middle = (path[..., 1:, :] + path[..., :-1, :]) / 2
        at_step, at_middle = _push(path, both), _push(middle, both)
        if at_step is None and at_middle is None:
            return path
        path = path.clone()
        if at_step is not None:
            path += 0.8 * at_step
        if at_middle is not None:  # the later end gives way alone, and moves the middle by half as much
            path[..., 1:, :] += 1.6 * at_middle
    return path


def _push(path: Tensor, both: Tensor) -> Tensor | None:
    """By how much everybody should give way; None where all keep apart."""
    place = path.transpose(2, 3)
    distance = distances(place, place)
    lack = (APART - distance).clamp(min=0.0) * both[:, None, None]
    if not lack.any():
        return None
    share = 0.5 * lack / distance.clamp(min=CLOSEST)
    return (share.sum(-1, keepdim=True) * place - share @ place).transpose(2, 3)
