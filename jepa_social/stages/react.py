"""Reactions: what the ego's plan changes of other people's futures, fitted to branches of moments, all else frozen.

Latents and readout say where people go. The few layers that a plan passes through (`Predictor.react`) learn here by how
much it bends that, from futures that differ in nothing but the plan (see `contrast`). Branches of a moment share its
past, which is encoded and imagined once for all of them: a step costs an eighth of one that trains everything, so every
moment can be looked at often (docs/LOG.md, 2026-12-01).
"""

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.data.dataset import SceneWindows
from jepa_social.mind.world_model import WorldModel
from jepa_social.scene import Scene
from jepa_social.stages.contrast import ROBOT, contrast, find_siblings, shared_pasts
from jepa_social.stages.futures import displacement, over_agents
from jepa_social.stages.optim import Schedule, build_optimizer
from jepa_social.stages.rollouts import plans_taken


class FitReaction(L.LightningModule):
    """Fits the predictor's reaction to plans; forecasts without a plan stay what they are, to the last bit.

    Args:
        world_model: whose reaction is trained, in place.
        schedule: of the optimiser.
        horizon: frames imagined.
        displacement: weight of a metre by which the futures themselves are missed, beside their differences.
    """

    def __init__(self, world_model: WorldModel, schedule: Schedule, horizon: int, displacement: float = 0.1):
        super().__init__()
        self.world_model, self.schedule = world_model.eval().requires_grad_(False), schedule
        self.horizon, self.displacement = horizon, displacement
        for parameter in world_model.jepa.predictor.reaction_parameters():
            parameter.requires_grad_(True)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """Loss of a batch; windows without siblings teach nothing here."""
        differ, astray, size = self.terms(batch)
        self.log_dict({"train/reaction": differ, "train/reaction_ade": astray}, batch_size=size)
        return differ + self.displacement * astray

    def validation_step(self, batch: Scene, batch_idx: int) -> None:
        """The same of held-out recordings."""
        differ, astray, size = self.terms(batch)
        self.log_dict({"val/reaction": differ, "val/reaction_ade": astray}, batch_size=size, sync_dist=True)

    def terms(self, scene: Scene) -> tuple[Tensor, Tensor, int]:
        """Error of differences between siblings' futures, mean displacement (m) of the futures, and how many."""
        now = scene.frames - 1 - self.horizon
        twins = find_siblings(scene, now).pairs.unique()
        # a process without siblings must take part in the step as well
        scene = scene[twins if len(twins) else torch.zeros(1, dtype=torch.long, device=twins.device)]
        siblings, (first, which) = find_siblings(scene, now), shared_pasts(scene, now)
        jepa = self.world_model.jepa
        with torch.no_grad():
            past = jepa.encode(scene[first].between(0, now + 1)).at()
            foreseen = jepa.foresee(past, self.horizon)[which]
        anchor = past[which]
        anchor.ego = siblings.ego
        did = plans_taken(scene, siblings.ego, now, self.horizon)
        path = self.world_model.motion(anchor, jepa.imagine(anchor, did, foreseen=foreseen)).position
        truth = scene.position[:, :, now + 1 :]
        mask = scene.present[:, :, now + 1 :] & (anchor.present & (scene.kind != ROBOT))[..., None]
        differ = contrast(path[:, 0], truth, mask, siblings, scene.kind)
        return differ, over_agents(displacement(path, truth, mask), mask), len(which)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW over the reaction."""
        return build_optimizer(self.world_model.jepa.predictor.reaction_parameters(), self.schedule, self.trainer)


def check_branches(windows: SceneWindows | None) -> None:
    """Raise ValueError if no moment of the training logs goes on under several plans."""
    if windows is not None and np.bincount(windows.moments).max() < 2:
        raise ValueError(
            "reaction.epochs > 0 needs logs of branches: set data.source.branching as experiment=reactive does"
        )
