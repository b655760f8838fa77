"""`LatentHealth`: the dearer looks at the latents, taken at every validation."""

import lightning as L

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.probe_figures import drift_figure
from jepa_social.evaluation.statistics import Interval
from jepa_social.models.diagnostics import drift_errors, latent_health, rollout_drift
from jepa_social.scene import Scene
from jepa_social.stages.pictures import LatentLook, show
from jepa_social.stages.pretrain import Pretrain


class LatentHealth(LatentLook):
    """Ranks and spectra of validation latents, and their drift when imagined.

    Into the loggers as `latent/rankme` and so on (see `latent_health`) and `latent/drift_<step>`, and as a picture of
    drift against horizon. Draws nothing at random, so a run is the same with it and without.
    """

    def look(self, trainer: L.Trainer, stage: Pretrain, batch: Scene) -> None:
        """Measure."""
        observed = batch.frames - stage.horizon
        health = latent_health(stage.model.encode(batch).state, batch.present)
        error, copied, seen = drift_errors(stage.model, batch, observed)
        drift = rollout_drift(error, copied, seen).tolist()
        scalars = {name: float(value) for name, value in health.items()}
        scalars |= {f"drift_{step}": drift[step - 1] for step in sorted({1, stage.horizon})}
        step = trainer.global_step - 1  # the last one taken, where Lightning puts the scores of a validation
        for logger in trainer.loggers:
            logger.log_metrics({f"latent/{name}": value for name, value in scalars.items()}, step)
        figure = drift_figure([Interval(d, d, d, 1) for d in drift], float(batch.dt[0]))
        show(trainer, "latent/drift", figure)
        save(figure, self.folder / "latent_drift.png")
