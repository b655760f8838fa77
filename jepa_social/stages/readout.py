"""Readouts on frozen latents: the world model is not touched, so the latents must earn their keep."""

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.evaluation.forecasting import ADE, FDE
from jepa_social.mind.world_model import WorldModel
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.masking import Masking
from jepa_social.stages.optim import Schedule, build_optimizer
from jepa_social.stages.rollouts import draw_rollouts, draw_starts


class FitMotion(L.LightningModule):
    """Fits the motion readout of a `WorldModel` to logged positions, encoder and predictor frozen.

    The loss is the mean displacement (ADE, m) over imagined frames. Arguments as in `Pretrain`; of masking only what
    is visible at the anchor is learned from, as only that can be forecast.
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
    ):
        super().__init__()
        self.world_model, self.schedule, self.augment = world_model, schedule, augment
        self.horizon, self.starts, self.free, self.seed = horizon, starts, free, seed
        self.masking = masking or Masking()
        self.ade, self.fde = ADE(), FDE()
        world_model.jepa.requires_grad_(False)

    def on_train_batch_start(self, batch: Scene, batch_idx: int) -> None:
        """Tie this step's randomness to its number."""
        torch.manual_seed(self.seed * 1_000_003 + 500_009 + self.global_step)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """Mean displacement of everybody but the ego, whose path is given."""
        scene = self.augment(batch)
        jepa = self.world_model.jepa.eval()
        with torch.no_grad():
            starts = draw_starts(scene.frames, self.horizon, self.starts)
            context = self.masking(scene, max(starts))
            rollouts = draw_rollouts(jepa.encode(context), starts, self.horizon, self.free, scene)
            imagined = jepa.imagine(rollouts.anchor, rollouts.actions)
        anchor = rollouts.anchor
        predicted = self.world_model.motion(anchor, imagined)[:, 0]
        error = (predicted - rollouts.gather(scene.position)).norm(dim=-1)
        others = torch.arange(scene.agents, device=error.device) != anchor.ego[:, None]
        mask = rollouts.gather(scene.present) & (anchor.present & others)[..., None]
        loss = (error * mask).sum() / mask.sum().clamp(min=1)
        self.log("train/readout_ade", loss, batch_size=scene.position.shape[0])
        return loss

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
        return build_optimizer(self.world_model.motion.parameters(), self.schedule, self.trainer)
