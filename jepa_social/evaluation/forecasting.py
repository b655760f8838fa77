"""Scores of forecasts, ETH/UCY protocol: every agent counts once, whatever window or batch it came in.

Predictions and truths are `[B,N,H,2]` m (or anything `[...,H,2]`), `valid [B,N]` or `[B,N,H]` says who is scored.
The metrics are `torchmetrics.Metric`s with sum states: exact under DDP, blind to padding and to batching.
"""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor
from torchmetrics import Metric

from jepa_social.scene import Scene

MISS = 2.0
"""m of final error above which a forecast misses."""
TOUCH = 0.2
"""m of centre distance at or below which forecasts of two people collide (Kothari et al. 2021, Col-I)."""


def displacement_errors(prediction: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """ADE and FDE `[B,N]` m of each agent; NaN where it has no valid frame (ADE) or no valid last frame (FDE)."""
    valid = _per_frame(valid, target)
    error = (prediction - target).norm(dim=-1).masked_fill(~valid, 0.0)
    mean = error.sum(-1) / valid.sum(-1)
    return mean, torch.where(valid[..., -1], error[..., -1], torch.nan)


def marginal_best(errors: Tensor) -> Tensor:
    """Best of S samples for each agent by itself: `[B,S,N]` to `[B,N]` (the literature's minADE)."""
    return errors.nan_to_num(nan=torch.inf).amin(1).masked_fill(errors.isnan().all(1), torch.nan)


def joint_best(errors: Tensor) -> Tensor:
    """One sample index for the whole scene, the best on average: `[B,S,N]` to `[B,N]` (Weng et al. 2023, JADE).

    The sample is chosen for these errors alone, so ADE and FDE may choose differently. A data set's figure is the mean
    over *agents* of what they have in their scene's chosen sample, like the marginal one: constant velocity with random
    headings then has 0.551 / 1.139 m on the ETH/UCY average (reference: 0.553 / 1.137). Over scenes, which weighs a
    pair like a crowd of 60, it has 0.541 / 1.120 m.
    """
    best = errors.nanmean(2).nan_to_num(nan=torch.inf).argmin(1)
    return errors[torch.arange(len(errors), device=errors.device), best]


def predicted_collisions(prediction: Tensor, valid: Tensor, parts: int = 2, others: Tensor | None = None) -> Tensor:
    """Whether each agent's forecast comes within 0.2 m of another agent's path (Kothari et al. 2021).

    Args:
        prediction: `[...,N,H,2]` m; with samples in front, neighbours are those of the same sample.
        valid: `[...,N]` or `[...,N,H]`; who is not valid in every frame neither collides nor is collided with.
        parts: into how many every step is cut: 2 is the published "with the step halved". Shares depend on it: constant
            velocity on UNIV has 19.3 % with 2 and 20.0 % with 4, so say which one a table uses.
        others: what the neighbours do, `[...,N,H,2]` m: their forecasts too (Col-I, the default) or, given the truth,
            what they really did (Col-II).

    Returns:
        `[...,N]` bool.
    """
    others = prediction if others is None else others
    everywhere = _per_frame(valid, prediction).all(-1)
    near = torch.zeros_like(everywhere)
    both = zip(_finer(prediction, parts), _finer(others, parts), strict=True)
    for position, other in both:  # frame by frame: [B,N,N,frames] of a crowd would not fit
        near |= _pair_near(position, other, everywhere)
    return near


def constant_velocity(scene: Scene, observed: int, horizon: int) -> Tensor:
    """Forecast `[B,N,H,2]` m that repeats the last displacement; who has none stands (Schöller et al. 2020)."""
    last = scene.position[:, :, observed - 1]
    if observed < 2:
        return last[:, :, None].expand(-1, -1, horizon, -1)
    both = scene.present[:, :, observed - 1] & scene.present[:, :, observed - 2]
    step = (last - scene.position[:, :, observed - 2]) * both[..., None]
    ahead = torch.arange(1, horizon + 1, device=last.device, dtype=last.dtype)
    return last[:, :, None] + ahead[:, None] * step[:, :, None]


class _AgentMean(Metric):
    """Mean over agents: micro average, so a crowded window weighs more than an empty one."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self):
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def add(self, value: Tensor) -> None:
        """Add `value [B,N]`, NaN where nobody is scored."""
        self.total += value.double().nansum()
        self.count += (~value.isnan()).sum()

    def compute(self) -> Tensor:
        """The mean; NaN before anything was scored."""
        return self.total / self.count


class ADE(_AgentMean):
    """Average displacement error, m: mean over an agent's valid frames, then over agents."""

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor) -> None:
        """Add `prediction`, `target` `[B,N,H,2]` m where `valid [B,N]` or `[B,N,H]`."""
        self.add(displacement_errors(prediction, target, valid)[0])


class FDE(_AgentMean):
    """Final displacement error, m, over agents whose last frame is valid."""

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor) -> None:
        """Add `prediction`, `target` `[B,N,H,2]` m where `valid [B,N]` or `[B,N,H]`."""
        self.add(displacement_errors(prediction, target, valid)[1])


def _per_frame(valid: Tensor, like: Tensor) -> Tensor:
    return (valid[..., None] if valid.ndim == like.ndim - 2 else valid).expand(like.shape[:-1])


def _finer(path: Tensor, parts: int) -> Iterator[Tensor]:
    """Positions `[...,2]` along `path [...,H,2]`, `parts` a step."""
    frames = path.unbind(-2)
    for start, end in itertools.pairwise(frames):
        yield from (start + (end - start) * (part / parts) for part in range(parts))
    yield frames[-1]


def _pair_near(position: Tensor, others: Tensor, valid: Tensor) -> Tensor:
    """Who of `position [...,N,2]` has another of `others [...,N,2]`, both valid, within `TOUCH`: `[...,N]` bool."""
    gap = (position[..., :, None, :] - others[..., None, :, :]).square_().sum(-1)
    gap.diagonal(dim1=-2, dim2=-1).fill_(torch.inf)
    nearest = gap.masked_fill_(~valid[..., None, :], torch.inf).amin(-1)
    return (nearest <= TOUCH**2) & valid
