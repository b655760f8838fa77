"""Losses of forecast futures: the expected one, the best of those under each intent, and people keeping apart."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.mind.motion import Motion
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.intents import every_intent, infer_intent, joint_energy
from jepa_social.stages.rollouts import Rollouts

APART = 0.3
"""m of centre distance below which two forecast people are pushed apart."""


@dataclass(frozen=True)
class Futures:
    """The loss of a forecast, in m: expected displacement, and by weight what makes its samples good.

    Attributes:
        best: of the displacement of the best future under an intent.
        joint: share of it that is the best for the whole scene.
        spare: share of it that all other intents get.
        surprise: of the negative log-likelihood.
        apart: of `crowding`, of the expected and of the scene's best future.
    """

    best: float = 0.5
    joint: float = 0.5
    spare: float = 0.05
    surprise: float = 0.02
    apart: float = 1.0

    def __call__(
        self,
        world_model: WorldModel,
        rollouts: Rollouts,
        imagine: tuple[Tensor, Tensor],
        truth: Float[Tensor, "B N H 2"],
        mask: Bool[Tensor, "B N H"],
    ) -> dict[str, Tensor]:
        """Terms by name, `loss` their sum; `imagine` holds hidden states (`foresee`) and latents without intent."""
        foreseen, imagined = imagine
        anchor = rollouts.anchor
        expected = world_model.motion(anchor, imagined)
        terms = {"ade": over_agents(displacement(expected.position, truth, mask), mask)}
        terms["crowding"] = crowding(expected.position, truth, mask)
        terms["loss"] = terms["ade"] + self.apart * terms["crowding"]
        intents = world_model.jepa.intents
        if intents is None:
            surprise = gaussian(expected.position.detach(), expected.scale, truth, mask)
        else:
            codes = every_intent(intents.codes, foreseen)
            motion = world_model.motion(anchor, imagined + intents(foreseen, codes), codes)
            odds = world_model.odds(anchor, foreseen)
            terms["best"], surprise = best_futures(motion, odds, truth, mask, self.joint, self.spare)
            terms["loss"] = terms["loss"] + self.best * terms["best"]
        terms["surprise"] = surprise
        terms["loss"] = terms["loss"] + self.surprise * surprise
        return terms


def displacement(
    position: Float[Tensor, "B S N H 2"], truth: Float[Tensor, "B N H 2"], mask: Bool[Tensor, "B N H"]
) -> Float[Tensor, "B S N"]:
    """Mean displacement (ADE, m) over an agent's frames `mask`; 0 for agents without any."""
    error = (position - truth[:, None]).norm(dim=-1) * mask[:, None]
    return error.sum(-1) / mask.sum(-1).clamp(min=1)[:, None]


def over_agents(value: Float[Tensor, "B S N"], mask: Bool[Tensor, "B N H"]) -> Float[Tensor, ""]:
    """Mean over S and over agents, weighed by their frames: as if all frames were averaged at once."""
    weight = mask.sum(-1)[:, None].expand(value.shape).to(value.dtype)
    return (value * weight).sum() / weight.sum().clamp(min=1)


def best_futures(
    motion: Motion,
    odds: Float[Tensor, "B N M"],
    truth: Float[Tensor, "B N H 2"],
    mask: Bool[Tensor, "B N H"],
    joint: float,
    spare: float,
) -> tuple[Tensor, Tensor]:
    """What futures under every intent cost: displacement of the best, and surprise.

    The best is sought twice, for each agent by itself and for the scene as a whole (`joint` weighs the second): the
    first spreads the intents, the second makes one code a future that all can have at once. `spare` is the weight of
    all the others, which keeps unused codes alive (relaxed winner-takes-all, Rupprecht et al. 2017).

    Returns:
        The displacement (m), and the negative log-likelihood (nats) of code and positions: the code that is best for
        agent and scene together, and a Gaussian about its path, whose mean it leaves alone.
    """
    error = displacement(motion.position, truth, mask)
    known = mask.any(-1)
    alone = infer_intent(joint_energy(error, known, 0.0), odds, 0.0)
    together = infer_intent(joint_energy(error, known, 1.0), odds, 0.0)
    best = (1 - joint) * error.gather(1, alone) + joint * error.gather(1, together)
    cost = (1 - spare) * over_agents(best, mask) + spare * over_agents(error, mask)
    chosen = infer_intent(joint_energy(error, known, joint), odds, 0.0)
    surprise = -(odds.transpose(1, 2).gather(1, chosen) * known[:, None]).sum() / known.sum().clamp(min=1)
    index = chosen[..., None].expand(-1, -1, -1, truth.shape[2])
    scale = motion.scale.gather(1, index)
    path = motion.position.detach().gather(1, index[..., None].expand(-1, -1, -1, -1, 2))
    return cost, surprise + gaussian(path, scale, truth, mask)


def gaussian(
    path: Float[Tensor, "B S N H 2"],
    scale: Float[Tensor, "B S N H"],
    truth: Float[Tensor, "B N H 2"],
    mask: Bool[Tensor, "B N H"],
) -> Float[Tensor, ""]:
    """Negative log-likelihood (nats a frame, up to a constant) of `truth` about `path`."""
    error = (path - truth[:, None]).square().sum(-1)
    value = 0.5 * error / scale.square() + 2 * scale.log()
    weight = mask[:, None].expand(value.shape)
    return (value * weight).sum() / weight.sum().clamp(min=1)


def crowding(
    position: Float[Tensor, "B S N H 2"], truth: Float[Tensor, "B N H 2"], mask: Bool[Tensor, "B N H"]
) -> Float[Tensor, ""]:
    """Mean over agents of how far forecasts come within `APART` of each other where the truth does not.

    The share of it that is missing is squared and summed over neighbours: forecasts of single agents walk through each
    other, people do not.
    """
    real, paths = truth.transpose(1, 2), position.transpose(2, 3)  # [B,H,N,2], [B,S,H,N,2]
    both = mask.transpose(1, 2)[..., None] & mask.transpose(1, 2)[..., None, :]
    both = both & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    both = both & (torch.cdist(real, real) > APART)
    offset = paths[..., :, None, :] - paths[..., None, :, :]
    distance = (offset.square().sum(-1) + 1e-6).sqrt()
    lack = F.relu(1.0 - distance / APART).square() * both[:, None]
    return lack.sum() / (mask.sum().clamp(min=1) * position.shape[1])
