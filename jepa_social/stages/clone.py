"""Behaviour cloning: the policy prior learns from frozen latents what people of the logs did next."""

import lightning as L
import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.latents import Anchor
from jepa_social.planning.plans import axes_toward
from jepa_social.planning.prior import Prior
from jepa_social.scene import KINDS, Scene
from jepa_social.stages.chance import seed_step
from jepa_social.stages.optim import Schedule, build_optimizer

STANDS = 0.3
"""m/s: who is never faster has nowhere to go and is not cloned."""


class Clone(L.LightningModule):
    """Fits a `Prior` to logs: the ego's next velocities, as a plan, by negative log-likelihood.

    Anybody may be the ego, one in each window and epoch. Its goal is where it is at the window's end (hindsight, as in
    Ghosh et al. 2021), its preferred speed the greatest it walks at in the window.

    Args:
        prior: is trained, in place.
        world_model: whose latents are read; kept frozen.
        schedule: of the optimiser.
        ahead: frames after the present at which the window ends; at least the plans' horizon.
        ego_kind: what people take the ego for, one of `scene.KINDS`, as in planning; None: what the log says.
        robots: whether logged robots are cloned too: those of simulated logs explore and are no example.
        seed: of this stage's randomness.

    Raises:
        ValueError: windows shorter than plans.
    """

    def __init__(
        self,
        prior: Prior,
        world_model: WorldModel,
        schedule: Schedule,
        ahead: int,
        ego_kind: str | None = None,
        robots: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        if ahead < prior.plans.horizon:
            raise ValueError(
                f"clone.ahead={ahead} must be at least the {prior.plans.horizon} steps of planner.mpc.horizon"
            )
        self.prior, self.schedule, self.ahead = prior, schedule, ahead
        self.ego_kind, self.robots, self.seed = ego_kind, robots, seed
        self.world_model = world_model.eval().requires_grad_(False)

    def on_train_batch_start(self, batch: Scene, batch_idx: int) -> None:
        """Tie this step's randomness to its number."""
        seed_step(self, self.seed, 900_007)

    def training_step(self, batch: Scene, batch_idx: int) -> Tensor:
        """Negative log-likelihood of the egos' plans."""
        egos, known = self.draw(batch, torch.rand(batch.present.shape[:2], device=batch.position.device))
        loss, error = self.judge(batch, egos, known)
        size = len(egos)
        self.log_dict({"train/clone_nll": loss, "train/clone_error": error}, batch_size=size)
        return loss

    def validation_step(self, batch: Scene, batch_idx: int) -> None:
        """Likelihood, and root mean squared error of a knot in preferred speeds, always of the same egos."""
        chance = torch.rand(batch.present.shape[:2], generator=torch.Generator().manual_seed(batch_idx))
        egos, known = self.draw(batch, chance.to(batch.position.device))
        loss, error = self.judge(batch, egos, known)
        size = int(known.sum())
        if size:
            self.log_dict({"val/clone_nll": loss, "val/clone_error": error}, batch_size=size)

    def draw(self, scene: Scene, chance: Float[Tensor, "B N"]) -> tuple[Tensor, Tensor]:
        """An ego for each scene `[B]`, and where there is anybody to be one `[B]`: the likeliest by `chance`."""
        now = scene.frames - 1 - self.ahead
        there = scene.present[..., now : now + 1 + self.prior.plans.horizon].all(-1) & scene.present[..., -1]
        there = there & (greatest_speed(scene) > STANDS)
        if not self.robots:
            there = there & (scene.kind != KINDS.index("robot"))
        return (chance + there).argmax(1), there.any(1)

    def judge(self, scene: Scene, egos: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Mean negative log-likelihood and root mean squared error of the plans of `egos [B]` where `known [B]`."""
        anchor, aim, speed, plan = self.examples(scene, egos)
        mean, std = self.prior(anchor, aim, speed)
        nll = (((plan - mean) / std).square() / 2 + std.log()).mean(-1)
        count = known.sum().clamp(min=1)
        error = ((plan - mean).square().mean(-1) * known).sum() / count
        return (nll * known).sum() / count, error.detach().sqrt()

    @torch.no_grad()
    def examples(self, scene: Scene, egos: Tensor) -> tuple[Anchor, Tensor, Tensor, Tensor]:
        """What the prior is told of `egos [B]` (anchor, aim, speed) and what they did `[B,P]`."""
        rows, now, plans = torch.arange(len(egos), device=egos.device), scene.frames - 1 - self.ahead, self.prior.plans
        seen = scene.between(0, now + 1)
        seen.ego = egos
        if self.ego_kind is not None:
            seen.kind = seen.kind.scatter(1, egos[:, None], KINDS.index(self.ego_kind))
        aim, speed = scene.position[rows, egos, -1], greatest_speed(scene)[rows, egos]
        did = scene.velocity[rows, egos, now + 1 : now + 1 + plans.horizon]
        axes = axes_toward(scene.position[rows, egos, now], aim)
        return self.world_model.jepa.encode(seen).at(), aim, speed, plans.nearest(did[:, None], axes, speed)[:, 0]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW over the prior."""
        return build_optimizer(self.prior.parameters(), self.schedule, self.trainer)


def greatest_speed(scene: Scene) -> Float[Tensor, "B N"]:
    """m/s, over all frames of everybody."""
    return scene.velocity.norm(dim=-1).amax(-1)
