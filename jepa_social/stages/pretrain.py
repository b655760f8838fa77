"""Pretraining: learn to predict the latents of everybody's future from logs alone."""

import math

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.kinematics import known_velocity
from jepa_social.models.diagnostics import CollapseAlarm
from jepa_social.models.jepa import SocialJEPA
from jepa_social.models.journey import JOURNEY, journey
from jepa_social.models.objectives import Moves, Objective, Terms, masked_mean
from jepa_social.models.objectives.reconstruction import own_states
from jepa_social.models.tokenizer import has_frame
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.chance import seed_step
from jepa_social.stages.inference import Inference
from jepa_social.stages.masking import Masking
from jepa_social.stages.noise import Noise
from jepa_social.stages.optim import Schedule, build_optimizer
from jepa_social.stages.rollouts import Rollouts, draw_rollouts, draw_starts, each_step


class Pretrain(L.LightningModule):
    """Trains a `SocialJEPA` on windows of logs.

    Args:
        model: to be trained, in place.
        objective: how predictions are held against targets; heads that it has are trained too.
        schedule: optimiser settings.
        augment: changes to training windows.
        horizon: frames imagined.
        rollout: imagine all of them from one anchor, or (false) each from the true latents one frame earlier: teacher
            forcing.
        masking: what training hides from the context encoder; validation hides nothing, to be comparable.
        noise: by how much training jitters what the context encoder sees.
        intents: how codes are inferred, for a model that has them.
        journey: weight of a metre by which a latent's frame is imagined elsewhere (see `jepa_social.models.journey`).
        starts: rollouts per window (see `draw_starts`).
        free: share of rollouts in which nobody's plan is given.
        seed: every training step draws from (seed, step), so that a resumed run repeats what an unbroken one does.
        watch_every: steps between two looks at rank and spread, the first at step 0.
    """

    def __init__(
        self,
        model: SocialJEPA,
        objective: Objective,
        schedule: Schedule,
        augment: Augment,
        horizon: int = 12,
        starts: int = 2,
        free: float = 0.5,
        seed: int = 0,
        watch_every: int = 25,
        rollout: bool = True,
        masking: Masking | None = None,
        noise: Noise | None = None,
        intents: Inference | None = None,
        journey: float = 0.25,
    ):
        super().__init__()
        self.model, self.objective, self.schedule, self.augment = model, objective, schedule, augment
        self.horizon, self.starts, self.free, self.seed = horizon, starts, free, seed
        self.watch_every, self.rollout, self.masking = watch_every, rollout, masking or Masking()
        self.noise, self.intents, self.journey = noise or Noise(), intents or Inference(), journey
        self.alarm = CollapseAlarm()

    def terms(self, scene: Scene, corrupt: bool = False) -> tuple[Terms, Tensor]:
        """Loss terms of a batch, and latents `[K,D]` of who is present.

        Unless told to `corrupt` what the context encoder sees, only the future is hidden from it.
        """
        starts, horizon = draw_starts(scene.frames, self.horizon, self.starts), self.horizon
        if not self.rollout:
            starts, horizon = each_step(starts, horizon), 1
        context = self.masking(self.noise(scene), max(starts)) if corrupt else scene
        if context is not scene:
            context = context.between(0, max(starts) + 1)
        latents = self.model.encode(context)
        rollouts = draw_rollouts(latents, starts, horizon, self.free, scene, ask=True)
        foreseen = self.model.foresee(rollouts.anchor, horizon)
        prediction = self.model.imagine(rollouts.anchor, rollouts.actions, foreseen=foreseen)
        mask = rollouts.gather(scene.present) & rollouts.anchor.present[..., None]
        views = [latents.state[context.present]]
        if self.objective.predicts == "states":
            target, known = _states(scene, rollouts)
            mask = mask & known
        else:
            shared = self.model.teacher is None
            whole = latents.state if shared and context is scene else self.model.encode_target(scene)
            if shared and context is not scene:
                views.append(whole[scene.present])  # the targets are free to collapse too
            target = rollouts.gather(whole)
        flat = torch.cat(views)
        moves = Moves.of(latents) if self.objective.needs_moves else None
        terms = self.objective(prediction[:, 0, ..., :-JOURNEY], target, flat, mask, moves)
        gone = journey(rollouts.anchor, rollouts.gather(scene.position))
        framed = mask & rollouts.anchor.oriented[..., None]
        astray = masked_mean(_astray(prediction[:, 0], gone), framed)
        terms.total = terms.total + self.journey * astray
        terms.extra["journey"] = astray.detach()
        if self.model.intents is not None and self.intents.weight > 0:
            whole = torch.cat((target, gone), dim=-1)
            self.intents.add(terms, self.model.intents, self._error, foreseen, prediction, whole, framed)
        return terms, flat

    def _error(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Error of imagined futures: of their latents or states, and of their journeys (m)."""
        error = self.objective.error(prediction[..., :-JOURNEY], target[..., :-JOURNEY])
        return error + self.journey * _astray(prediction, target)

    def on_train_batch_start(self, batch: Scene, batch_idx: int) -> None:
        """Tie this step's randomness to its number."""
        seed_step(self, self.seed)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """One step: the loss, and now and then the health of the latents."""
        terms, flat = self.terms(self.augment(batch), corrupt=True)
        size = batch.position.shape[0]
        self.log_dict(
            {
                "train/loss": terms.total,
                "train/prediction": terms.prediction,
                "train/regulariser": terms.regulariser,
                **{f"train/{name}": value for name, value in terms.extra.items()},
            },
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
        return build_optimizer(
            [*self.model.online_parameters(), *self.objective.parameters()], self.schedule, self.trainer
        )


def _astray(prediction: Tensor, target: Tensor) -> Tensor:
    """How far (m) the imagined journeys end from the true ones; both are the last numbers of their axis."""
    return (prediction[..., -JOURNEY:] - target[..., -JOURNEY:]).norm(dim=-1)


def _states(scene: Scene, rollouts: Rollouts) -> tuple[Tensor, Tensor]:
    """What everybody really did, in its own frame at the anchor, and where there is such a frame and a velocity."""
    target = own_states(
        rollouts.gather(scene.position),
        rollouts.gather(scene.velocity),
        rollouts.at_start(scene.position),
        rollouts.at_start(scene.heading),
    )
    known = rollouts.gather(known_velocity(scene.present)) & rollouts.at_start(has_frame(scene))[..., None]
    return target, known
