"""`IntentPictures`: what intents stand for while the readout learns to speak of them."""

from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.intent_figure import intent_figure, telling, usage_figure
from jepa_social.evaluation.intents import IntentUsage, Usage, intent_futures
from jepa_social.models.intents import judged_steps
from jepa_social.scene import Scene
from jepa_social.stages.pictures import show
from jepa_social.stages.readout import FitMotion


class IntentPictures(Callback):
    """After every validation of `FitMotion`: one held-out moment under a few intents, and how often each comes true.

    Into the loggers as `val/intent_rate` (nats) and `val/codes_used` (effective number), over all of validation,
    judged by the same steps as in training (`judged_steps`). The moment is the same every time (see `telling`). Draws
    nothing at random, so a run is the same with it and without. Models without intents are left alone.

    Args:
        folder: where the last pictures are kept as PNG: `intents.png` and `intent_usage.png`.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.metric: IntentUsage | None = None
        self.usage: Usage | None = None
        self.moment: Scene | None = None
        self.most = -1

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to count."""
        self.metric, self.usage, self.moment, self.most = None, None, None, -1
        if isinstance(pl_module, FitMotion) and pl_module.world_model.jepa.intents is not None:
            self.metric = IntentUsage(pl_module.world_model.jepa.intents.codes).to(pl_module.device)

    @torch.no_grad()
    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: object,
        batch: Scene,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count, and keep the window that has most to show."""
        if self.metric is None or not isinstance(pl_module, FitMotion):
            return
        observed, steps = batch.frames - pl_module.horizon, judged_steps(pl_module.horizon)
        futures = intent_futures(pl_module.world_model, batch.between(0, observed), pl_module.horizon, steps)
        later = [observed + step for step in steps]
        self.metric.update(futures, batch.position[:, :, later], batch.present[:, :, later])
        worth, place = telling(batch, observed).max(0)
        if self.moment is None or int(worth) > self.most:
            self.moment, self.most = batch[int(place) : int(place) + 1], int(worth)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log (all ranks: the counts are summed over them)."""
        self.usage = None if self.metric is None else self.metric.compute()
        if self.usage is not None:
            found = {"val/intent_rate": self.usage.rate, "val/codes_used": self.usage.codes}
            pl_module.log_dict(found, sync_dist=True)

    @torch.no_grad()
    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw (rank 0 only)."""
        if self.usage is None or self.moment is None or not isinstance(pl_module, FitMotion):
            return
        if not trainer.is_global_zero:
            return
        model, horizon, scene = pl_module.world_model, pl_module.horizon, self.moment
        observed = scene.frames - horizon
        seen = scene.between(0, observed)
        futures = intent_figure(scene, observed, intent_futures(model, seen, horizon), model.forecast(seen, horizon))
        usage = usage_figure(self.usage)
        for name, figure in (("intents", futures), ("intent_usage", usage)):
            show(trainer, f"intent/{name}", figure)
            save(figure, self.folder / f"{name}.png")
