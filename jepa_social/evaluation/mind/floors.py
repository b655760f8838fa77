"""Rows that a sceptic would name for false belief, without a network. Each gives scores `[K,4]`, the greatest wins."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, WALKER, Trials


def reads_truth(trials: Trials, share: int) -> Float[Tensor, "K 4"]:
    """Where the thing is: no perspective taking at all."""
    return torch.nn.functional.one_hot(trials.actual, BOXES).float()


def never_updates(trials: Trials, share: int) -> Float[Tensor, "K 4"]:
    """Where the thing was at the start."""
    return torch.nn.functional.one_hot(trials.former, BOXES).float()


def constant_velocity(trials: Trials, share: int) -> Float[Tensor, "K 4"]:
    """The box most nearly in the direction of the displacement since the swap (at the swap: of the last step)."""
    rows, asked = torch.arange(len(trials.believed)), trials.asked[:, share]
    walker = trials.scene.position[:, WALKER]
    swap = trials.asked[:, 0]
    since = torch.where(asked > swap, swap, swap - 1)
    here = walker[rows, asked]
    course = here - walker[rows, since]
    offset = trials.scene.position[:, trials.first_box : trials.first_box + BOXES, 0] - here[:, None]
    length = offset.norm(dim=-1)
    cosine = (offset * course[:, None]).sum(-1) / length.clamp(min=1e-6)
    return torch.where(length > 0, cosine, torch.inf)
