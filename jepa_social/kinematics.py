"""What positions say of motion: velocities and headings, causal, so that the past never knows the future."""

import torch
from torch import Tensor

from jepa_social.geometry import hold_last

MIN_SPEED = 0.1
"""m/s below which displacement is annotation noise and the last heading is kept."""


def moving(velocity: Tensor, present: Tensor) -> Tensor:
    """Where an agent is seen to move faster than `MIN_SPEED`: `[...,T]` bool."""
    return present & (velocity.norm(dim=-1) > MIN_SPEED)


def oriented(velocity: Tensor, present: Tensor) -> Tensor:
    """Where an agent has been seen to move, so that its heading means something: `[...,T]` bool, causal."""
    return moving(velocity, present).cummax(dim=-1).values & present


def known_velocity(present: Tensor) -> Tensor:
    """Where a backward difference exists: present now and one frame ago, `[...,T]` bool."""
    before = torch.cat((torch.zeros_like(present[..., :1]), present[..., :-1]), dim=-1)
    return present & before


def backward_difference(position: Tensor, present: Tensor, dt: Tensor) -> Tensor:
    """Velocity `[B,N,T,2]` from the last displacement only; 0 in an agent's first frame, where it is unknown."""
    step = position[..., 1:, :] - position[..., :-1, :]
    velocity = torch.cat((torch.zeros_like(position[..., :1, :]), step), dim=-2) / dt.view(-1, 1, 1, 1)
    return velocity * known_velocity(present)[..., None]


def motion_heading(velocity: Tensor, present: Tensor) -> Tensor:
    """Heading `[B,N,T]` rad of the last motion above `MIN_SPEED`; 0 before the first."""
    angle = torch.atan2(velocity[..., 1], velocity[..., 0])
    return hold_last(angle, moving(velocity, present), dim=-1)[0] * present
