"""What a world model's intents stand for: the future under each, how likely each is, and which of them come true."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics import Metric

from jepa_social.evaluation.forecasting import displacement_errors
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.intents import codes_in_use, every_intent
from jepa_social.scene import Scene

ALIKE = 1e-3
"""m of error within which all intents of an agent are the same to it."""


@dataclass(frozen=True)
class IntentFutures:
    """One joint future of each scene under each of M intents, in the order of the codes.

    Attributes:
        paths: `[B,M,N,H,2]` m, world frame.
        odds: `[B,N,M]`, log-probability of each code, an agent at a time.
        present: `[B,N]` bool, of whom the above means anything.
    """

    paths: Tensor
    odds: Tensor
    present: Tensor

    def pooled(self) -> Tensor:
        """Probability `[B,M]` of each code for a scene as a whole: its agents' geometric mean, normalised.

        A logarithmic opinion pool (Genest and Zidek 1986), which ranks codes as `WorldModel.sample` does.
        """
        mean = (self.odds * self.present[..., None]).sum(1) / self.present.sum(1).clamp(min=1)[:, None]
        return mean.softmax(-1)


@torch.no_grad()
def intent_futures(model: WorldModel, scene: Scene, horizon: int, steps: Sequence[int] | None = None) -> IntentFutures:
    """Imagine `scene`, observed frames at the model's own rate, under each intent in turn, nobody's plan known.

    Args:
        model: with intents.
        scene: what was observed.
        horizon: frames to imagine.
        steps: indices of those wanted, in 0..horizon-1, which saves time; None: all of them.

    Raises:
        ValueError: the model has no intents.
    """
    anchor = model.jepa.encode(scene).at()
    foreseen = model.jepa.foresee(anchor, horizon)
    odds = model.odds(anchor, foreseen)
    codes = every_intent(odds.shape[-1], foreseen)
    wanted = torch.arange(horizon, device=foreseen.device)[list(steps) if steps is not None else slice(None)]
    imagined = model.jepa.imagine(anchor, horizon=len(wanted), foreseen=foreseen[:, :, wanted], intent=codes)
    return IntentFutures(model.motion(anchor, imagined, codes, wanted + 1).position, odds, anchor.present)


@dataclass  # not frozen: torchmetrics copies what `compute` returns field by field
class Usage:
    """How often codes are right, beside how often they were expected to be.

    Attributes:
        share: `[M]`, of agents whose true path was closest to the one under this code.
        prior: `[M]`, mean over agents of the probability that the model gave this code beforehand.
        rate: nats, mean over agents of -log p(closest code): what the model was still to be told.
        agents: how many.
    """

    share: Tensor
    prior: Tensor
    rate: float
    agents: int

    @property
    def codes(self) -> float:
        """Effective number of codes in use (see `codes_in_use`)."""
        return float(codes_in_use(self.share))


class IntentUsage(Metric):
    """`Usage` over any number of batches; sums only, so exact under DDP.

    Args:
        codes: M.
    """

    full_state_update = False
    closest: Tensor
    probability: Tensor
    surprise: Tensor

    def __init__(self, codes: int):
        super().__init__()
        for name, size in (("closest", (codes,)), ("probability", (codes,)), ("surprise", ())):
            self.add_state(name, torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, futures: IntentFutures, truth: Tensor, known: Tensor) -> None:
        """Add everybody present of whom a future is known and to whom intents make a difference.

        Who was never seen to move is read as standing whatever the intent: there is no closest one.

        Args:
            futures: of a batch.
            truth: `[B,N,H,2]` m.
            known: `[B,N,H]` bool, frames of it that are known.
        """
        known = known & futures.present[..., None]
        error = displacement_errors(futures.paths, truth[:, None], known[:, None])[0].transpose(1, 2)  # [B,N,M]
        counted = known.any(-1) & (error.amax(-1) - error.amin(-1) > ALIKE)
        closest, odds = error[counted].argmin(-1, keepdim=True), futures.odds[counted].double()
        self.closest += torch.bincount(closest[:, 0], minlength=odds.shape[-1])
        self.probability += odds.exp().sum(0)
        self.surprise -= odds.gather(-1, closest).sum()

    def compute(self) -> Usage | None:
        """The usage so far; None before anybody was counted."""
        agents = self.closest.sum()
        if agents == 0:
            return None
        rate = float(self.surprise / agents)
        return Usage(self.closest / agents, self.probability / agents, rate, int(agents))
