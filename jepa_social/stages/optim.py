"""AdamW with linear warm-up and cosine decay: the one optimiser of all stages."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import nn


@dataclass(frozen=True)
class Schedule:
    """Optimiser settings.

    Attributes:
        lr: peak learning rate.
        weight_decay: AdamW's (Loshchilov & Hutter 2019), on matrices only.
        warmup: share of all steps in which the rate climbs.
        floor: share of the peak that is left at the end.
    """

    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    floor: float = 0.01


def build_optimizer(
    parameters: Iterable[nn.Parameter], schedule: Schedule, trainer: L.Trainer
) -> OptimizerLRSchedulerConfig:
    """Optimiser and per-step schedule over the trainer's whole run, as Lightning wants them."""
    matrices, vectors = [], []
    for parameter in parameters:
        (matrices if parameter.ndim > 1 else vectors).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": schedule.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=schedule.lr, betas=(0.9, 0.95), fused=True)
    total = max(1, int(trainer.estimated_stepping_batches))
    warm = max(1, int(schedule.warmup * total))

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        done = min(1.0, (step - warm) / max(1, total - warm))
        return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * done))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
