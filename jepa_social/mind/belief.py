"""Reading from frozen latents where somebody believes a thing to be: attention from the believer over the places."""

from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.geometry import to_frame

POSE = 5


def place_pose(
    here: Float[Tensor, "K 2"], heading: Float[Tensor, "K"], place: Float[Tensor, "K M 2"]
) -> Float[Tensor, "K M 5"]:
    """Places as the believer sees them: direction and offset in its own frame, and distance (tens of m)."""
    local = to_frame(place, here[:, None], heading[:, None])
    length = local.norm(dim=-1, keepdim=True)
    return torch.cat((local / length.clamp(min=1e-6), local / 10, length / 10), dim=-1)


class _Pointer(nn.Module):
    """Log-odds of M places for whoever believes, all places treated alike.

        logit_m = q(z_believer) . k(z_m, pose_m) / sqrt(width),

    an attention head (a pointer: Vinyals et al. 2015), q and k linear. It sees frozen latents, standardised here, and
    where the places lie, and nothing of what lies in them.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, latent: int, width: int):
        super().__init__()
        self.width = width
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))
        self.query = nn.Linear(latent, width)
        self.key = nn.Linear(latent + POSE, width)

    def point(self, believer: Tensor, places: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-odds `[K,M]`, and what they were made of: the believer `[K,D]`, places with poses `[K,M,D+5]`."""
        own = (believer - self.mean) / self.scale
        around = torch.cat(((places - self.mean) / self.scale, pose), dim=-1)
        return (self.query(own)[:, None] * self.key(around)).sum(-1) / self.width**0.5, own, around


class BeliefReadout(_Pointer):
    """Log-odds of M places to be the believed one: the weights of an attention head are the answer."""

    def __init__(self, latent: int, width: int = 64):
        super().__init__(latent, width)

    def forward(
        self, believer: Float[Tensor, "K D"], places: Float[Tensor, "K M D"], pose: Float[Tensor, "K M 5"]
    ) -> Float[Tensor, "K M"]:
        """Latents of the believer and of the places, and `place_pose`."""
        return self.point(believer, places, pose)[0]


class MoveReadout(_Pointer):
    """Log-odds of the believer's next moves, in its own frame: linear in its latent and in what it attends to.

    One attention head from the believer over the places, whose linear values are added up.
    """

    def __init__(self, latent: int, moves: int, width: int = 64):
        super().__init__(latent, width)
        self.value = nn.Linear(latent + POSE, moves)
        self.own = nn.Linear(latent, moves)

    def forward(
        self, believer: Float[Tensor, "K D"], places: Float[Tensor, "K M D"], pose: Float[Tensor, "K M 5"]
    ) -> Float[Tensor, "K A"]:
        """Latents of the believer and of the places, and `place_pose`."""
        odds, own, around = self.point(believer, places, pose)
        return self.own(own) + (odds.softmax(-1)[..., None] * self.value(around)).sum(1)


Readout = TypeVar("Readout", BeliefReadout, MoveReadout)


def fit_readout(
    readout: Readout,
    fit: tuple[Tensor, Tensor, Tensor],
    target: Int[Tensor, "K"],
    weight: Float[Tensor, "K"],
    held: Tensor,
    steps: int,
    seed: int,
    batch: int = 256,
) -> Readout:
    """Train by weighted cross-entropy (AdamW); the weights kept are those of least loss on the rows `held [K]` out.

    Args:
        readout: trained in place.
        fit: its three inputs.
        target: the believed place, or the move made.
        weight: of each row.
        held: bool, rows to choose the stopping step with, looked at ten times.
        steps, seed, batch: of the training.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in readout.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        own = torch.cat((fit[0], fit[1].flatten(0, 1)))
        readout.mean, readout.scale = own.mean(0), own.std(0).clamp(min=1e-4)
        train, chosen = (~held).nonzero()[:, 0], held.nonzero()[:, 0]
        optimizer = torch.optim.AdamW(readout.parameters(), lr=3e-3, weight_decay=0.03)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
        best, kept = torch.inf, readout.state_dict()

        def loss(rows: Tensor) -> Tensor:
            error = nn.functional.cross_entropy(readout(*(part[rows] for part in fit)), target[rows], reduction="none")
            return (error * weight[rows]).sum() / weight[rows].sum()

        for step in range(1, steps + 1):
            error = loss(train[torch.randint(len(train), (batch,))])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            schedule.step()
            if step % max(1, steps // 10) == 0 or step == steps:
                with torch.no_grad():
                    now = float(loss(chosen))
                if now < best:
                    best, kept = now, {name: value.clone() for name, value in readout.state_dict().items()}
        readout.load_state_dict(kept)
    return readout
