"""What a training step draws at random."""

import lightning as L
import torch


def seed_step(stage: L.LightningModule, seed: int, shift: int = 0) -> None:
    """Tie a step's randomness to `seed`, its number and its process.

    So a resumed run repeats what an unbroken one does, and processes that train side by side do not draw alike. Stages
    of one run are kept apart by `shift`.
    """
    torch.manual_seed(seed * 1_000_003 + shift + stage.global_step + 10_000_000_019 * stage.global_rank)
