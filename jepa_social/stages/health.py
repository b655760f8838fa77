"""`LatentHealth`: the dearer looks at the latents, taken at every validation."""

from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.probe_figures import drift_figure
from jepa_social.evaluation.statistics import Interval
from jepa_social.models.diagnostics import drift_errors, latent_health, rollout_drift
from jepa_social.stages.pictures import show, val_batch
from jepa_social.stages.pretrain import Pretrain


class LatentHealth(Callback):
    """After every validation of `Pretrain`: ranks and spectra of validation latents, and their drift when imagined.

    Into the loggers as `latent/rankme` and so on (see `latent_health`) and `latent/drift_<step>`, and as a picture of
    drift against horizon. Draws nothing at random, so a run is the same with it and without.

    Args:
        folder: where the last picture is kept as PNG.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @torch.no_grad()
    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Measure the first validation batch (rank 0 only)."""
        batch = val_batch(trainer)
        if batch is None or not trainer.is_global_zero or not isinstance(pl_module, Pretrain):
            return
        observed = batch.frames - pl_module.horizon
        health = latent_health(pl_module.model.encode(batch).state, batch.present)
        error, copied, seen = drift_errors(pl_module.model, batch, observed)
        drift = rollout_drift(error, copied, seen).tolist()
        scalars = {name: float(value) for name, value in health.items()}
        scalars |= {f"drift_{step}": drift[step - 1] for step in sorted({1, pl_module.horizon})}
        step = trainer.global_step - 1  # the last one taken, where Lightning puts the scores of a validation
        for logger in trainer.loggers:
            logger.log_metrics({f"latent/{name}": value for name, value in scalars.items()}, step)
        figure = drift_figure([Interval(d, d, d, 1) for d in drift], float(batch.dt[0]))
        show(trainer, "latent/drift", figure)
        save(figure, self.folder / "latent_drift.png")
