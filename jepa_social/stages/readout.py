"""Readouts on frozen latents, which must earn their keep; or the same network end to end, as the reference."""

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.evaluation.forecasting import ADE, FDE
from jepa_social.mind.world_model import WorldModel
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.chance import seed_step
from jepa_social.stages.futures import Futures
from jepa_social.stages.masking import Masking
from jepa_social.stages.noise import Noise
from jepa_social.stages.optim import Schedule, build_optimizer
from jepa_social.stages.rollouts import draw_rollouts, draw_starts


class FitMotion(L.LightningModule):
    """Fits the motion readout of a `WorldModel` to logged positions (see `Futures`).

    Args:
        world_model: its readout is trained, in place.
        frozen: whether encoder and predictor keep still; if not they learn from positions too: the supervised
            reference, on the same data and code.
        loss: what is minimised.
        schedule, augment, noise, masking, horizon, starts, free, seed: as in `Pretrain`; of masking only what is
            visible at the anchor is learned from, as only that can be forecast.
    """

    def __init__(
        self,
        world_model: WorldModel,
        schedule: Schedule,
        augment: Augment,
        horizon: int = 12,
        starts: int = 2,
        free: float = 0.5,
        seed: int = 0,
        masking: Masking | None = None,
        noise: Noise | None = None,
        loss: Futures | None = None,
        frozen: bool = True,
    ):
        super().__init__()
        self.world_model, self.schedule, self.augment = world_model, schedule, augment
        self.noise, self.loss, self.frozen = noise or Noise(), loss or Futures(), frozen
        self.horizon, self.starts, self.free, self.seed = horizon, starts, free, seed
        self.masking = masking or Masking()
        self.ade, self.fde = ADE(), FDE()
        world_model.requires_grad_(True)
        if frozen:
            world_model.jepa.requires_grad_(False)
        elif world_model.jepa.teacher is not None:
            world_model.jepa.teacher.requires_grad_(False)

    def on_train_batch_start(self, batch: Scene, batch_idx: int) -> None:
        """Tie this step's randomness to its number."""
        seed_step(self, self.seed, 500_009)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """Loss of everybody's future but the ego's, whose path is given."""
        scene = self.augment(batch)
        jepa = self.world_model.jepa
        starts = draw_starts(scene.frames, self.horizon, self.starts)
        now = max(starts)
        context = self.masking(self.noise(scene), now).between(0, now + 1)
        with torch.set_grad_enabled(not self.frozen):
            latents = jepa.encode(context)
            rollouts = draw_rollouts(latents, starts, self.horizon, self.free, scene)
            foreseen = jepa.foresee(rollouts.anchor, self.horizon)
            imagined = jepa.imagine(rollouts.anchor, rollouts.actions, foreseen=foreseen)
        anchor = rollouts.anchor
        others = torch.arange(scene.agents, device=imagined.device) != anchor.ego[:, None]
        mask = rollouts.gather(scene.present) & (anchor.present & others)[..., None]
        truth = rollouts.gather(scene.position)
        terms = self.loss(self.world_model, rollouts, (foreseen, imagined), truth, mask)
        self.log_dict(
            {f"train/readout_{name}": value for name, value in terms.items()}, batch_size=scene.position.shape[0]
        )
        return terms["loss"]

    def validation_step(self, batch: Scene, batch_idx: int) -> None:
        """ADE and FDE (m) of agents seen in every frame, nobody's plan given."""
        observed = batch.frames - self.horizon
        predicted = self.world_model.forecast(batch.between(0, observed), self.horizon)
        whole = batch.present.all(-1)
        for name, metric in (("ade", self.ade), ("fde", self.fde)):
            metric.update(predicted, batch.position[:, :, observed:], whole)
            self.log(f"val/{name}", metric, on_step=False, on_epoch=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW over what this stage trains."""
        trained = (parameter for parameter in self.world_model.parameters() if parameter.requires_grad)
        return build_optimizer(trained, self.schedule, self.trainer)
