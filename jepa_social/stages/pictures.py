"""Callbacks that look at the latents and the forecasts while they are learned, into TensorBoard and onto disk."""

from abc import abstractmethod
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure

from jepa_social.evaluation.figures import forecast_grid, latent_pca, save
from jepa_social.scene import Scene
from jepa_social.stages.pretrain import Pretrain
from jepa_social.stages.readout import FitMotion


def val_batch(trainer: L.Trainer) -> Scene | None:
    """The first validation batch, where the model is; None without validation."""
    loader = trainer.val_dataloaders
    return next(iter(loader)).to(trainer.strategy.root_device) if loader else None


def show(trainer: L.Trainer, tag: str, figure: Figure) -> None:
    """Send a figure to TensorBoard."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(tag, figure, trainer.global_step)


class LatentLook(Callback):
    """Looks at the first validation batch after every validation of `Pretrain`, on rank 0; a subclass says how.

    Args:
        folder: where the last picture is kept as PNG.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @torch.no_grad()
    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look, where there is something to look at."""
        batch = val_batch(trainer)
        if batch is not None and trainer.is_global_zero and isinstance(pl_module, Pretrain):
            self.look(trainer, pl_module, batch)

    @abstractmethod
    def look(self, trainer: L.Trainer, stage: Pretrain, batch: Scene) -> None:
        """Log and draw what the latents of `batch` are like."""


class LatentPictures(LatentLook):
    """The first two principal axes of validation latents, coloured by speed."""

    def look(self, trainer: L.Trainer, stage: Pretrain, batch: Scene) -> None:
        """Draw."""
        latents = stage.model.encode(batch).state[batch.present][:2000]
        figure = latent_pca(latents, batch.velocity.norm(dim=-1)[batch.present][:2000], "speed, m/s")
        show(trainer, "latent/pca", figure)
        save(figure, self.folder / "latent_pca.png")


class ForecastPictures(Callback):
    """After every validation: predicted against true futures of a few held-out windows.

    Args:
        folder: where the last picture is kept as PNG.
        most: windows shown.
    """

    def __init__(self, folder: Path, most: int = 9):
        self.folder, self.most = folder, most

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw (rank 0 only)."""
        batch = val_batch(trainer)
        if batch is None or not trainer.is_global_zero or not isinstance(pl_module, FitMotion):
            return
        picked = torch.linspace(0, batch.position.shape[0] - 1, self.most).long().unique()
        scene = batch[picked]
        observed = scene.frames - pl_module.horizon
        futures = pl_module.world_model.forecast(scene.between(0, observed), pl_module.horizon)
        figure = forecast_grid(scene, observed, futures, most=self.most)
        show(trainer, "forecast", figure)
        save(figure, self.folder / "forecasts.png")
