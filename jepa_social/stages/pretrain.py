"""Pretraining: learn to predict the latents of everybody's future from logs alone."""

import math

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.models.diagnostics import CollapseAlarm
from jepa_social.models.jepa import SocialJEPA
from jepa_social.models.objectives import Ema, SigReg, Terms
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.optim import Schedule, build_optimizer
from jepa_social.stages.rollouts import draw_rollouts, draw_starts


class Pretrain(L.LightningModule):
    """Trains a `SocialJEPA` on windows of logs.

    Args:
        model: to be trained, in place.
        objective: `Ema` or `SigReg`.
        schedule: optimiser settings.
        augment: changes to training windows.
        horizon: frames imagined.
        starts: rollouts per window (see `draw_starts`).
        free: share of rollouts in which nobody's plan is given.
        seed: every training step draws from (seed, step), so that a resumed run repeats what an unbroken one does.
        watch_every: steps between two looks at rank and spread, the first at step 0.
    """

    def __init__(
        self,
        model: SocialJEPA,
        objective: Ema | SigReg,
        schedule: Schedule,
        augment: Augment,
        horizon: int = 12,
        starts: int = 2,
        free: float = 0.5,
        seed: int = 0,
        watch_every: int = 25,
    ):
        super().__init__()
        self.model, self.objective, self.schedule, self.augment = model, objective, schedule, augment
        self.horizon, self.starts, self.free, self.seed = horizon, starts, free, seed
        self.watch_every = watch_every
        self.alarm = CollapseAlarm()

    def terms(self, scene: Scene) -> tuple[Terms, Tensor]:
        """Loss terms of a batch, and its present latents `[K,D]`."""
        latents = self.model.encode(scene)
        target = latents.state if self.model.teacher is None else self.model.encode_target(scene)
        starts = draw_starts(scene.frames, self.horizon, self.starts)
        rollouts = draw_rollouts(latents, starts, self.horizon, self.free)
        imagined = self.model.imagine(rollouts.anchor, rollouts.actions)[:, 0]
        mask = rollouts.gather(scene.present) & rollouts.anchor.present[..., None]
        flat = latents.state[scene.present]
        return self.objective(imagined, rollouts.gather(target), flat, mask), flat

    def on_train_batch_start(self, batch: Scene, batch_idx: int) -> None:
        """Tie this step's randomness to its number."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """One step: the loss, and now and then the health of the latents."""
        terms, flat = self.terms(self.augment(batch))
        size = batch.position.shape[0]
        self.log_dict(
            {"train/loss": terms.total, "train/prediction": terms.prediction, "train/regulariser": terms.regulariser},
            batch_size=size,
        )
        if self.global_step % self.watch_every == 0:
            health = self.alarm.check(flat.detach()[:4096])
            for logger in self.loggers:  # at once: Lightning would drop what falls between its own logging steps
                logger.log_metrics({f"latent/{name}": float(value) for name, value in health.items()}, self.global_step)
        return terms.total

    def on_train_batch_end(self, outputs: object, batch: Scene, batch_idx: int) -> None:
        """The target encoder follows, ever more slowly towards the end (BYOL's cosine)."""
        if self.objective.momentum is not None:
            done = self.global_step / max(1, int(self.trainer.estimated_stepping_batches))
            momentum = 1.0 - (1.0 - self.objective.momentum) * (math.cos(math.pi * min(1.0, done)) + 1) / 2
            self.model.update_teacher(momentum)

    def validation_step(self, batch: Scene, batch_idx: int) -> None:
        """Prediction loss on held-out recordings, with draws that do not change from one validation to the next."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(batch_idx)
            terms, _ = self.terms(batch)
        self.log("val/prediction", terms.prediction, batch_size=batch.position.shape[0], sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW over what this stage trains."""
        return build_optimizer(list(self.model.online_parameters()), self.schedule, self.trainer)
