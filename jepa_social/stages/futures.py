"""Losses of forecast futures: the expected one, the best of those under each intent, and people keeping apart."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.geometry import distances
from jepa_social.mind.motion import surprisal
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.intents import codes_in_use, every_intent, joint_energy, judged_steps, usage
from jepa_social.models.objectives import masked_mean
from jepa_social.stages.rollouts import Rollouts

APART = 0.3
"""m of centre distance below which two forecast people are pushed apart."""


@dataclass(frozen=True)
class Futures:
    """The loss of a forecast, in m: expected displacement, and by weight what makes its samples good.

    Attributes:
        best: of the displacement of the best future under an intent.
        joint: share of it that is the best for the whole scene.
        spare: share of it that a random intent gets (relaxed winner-takes-all, Rupprecht et al. 2017).
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
        terms["loss"] = terms["ade"]
        intents = world_model.jepa.intents
        if intents is None:
            surprise = gaussian(expected.position.detach(), expected.scale, truth, mask)
        else:
            odds = world_model.odds(anchor, foreseen)
            framed = mask & anchor.oriented[..., None]  # the others move alike under all codes
            with torch.no_grad():
                judged = judged_steps(truth.shape[2])
                codes = every_intent(intents.codes, foreseen)
                latents = imagined[..., judged, :] + intents(foreseen[:, :, judged], codes)
                steps = torch.tensor(judged, device=truth.device) + 1
                tried = world_model.motion(anchor, latents, codes, steps).position
                energy = displacement(tried, truth[:, :, judged], framed[:, :, judged])
                picked = pick(energy, framed[:, :, judged].any(-1), self.joint)
            motion = world_model.motion(anchor, imagined + intents(foreseen, picked.codes), picked.codes)
            error = displacement(motion.position, truth, mask)
            alone, jointly, spare = (over_agents(one[:, None], mask) for one in error.unbind(1))
            best = (1 - self.joint) * alone + self.joint * jointly
            terms["best"] = (1 - self.spare) * best + self.spare * spare
            together = motion.position[:, 1:2]
            terms["crowding"] = (terms["crowding"] + crowding(together, truth, mask)) / 2
            terms["codes_used"] = codes_in_use(usage(picked.likely[:, 0], intents.codes, picked.known))
            surprise = gaussian(motion.position[:, :1].detach(), motion.scale[:, :1], truth, mask)
            surprise = surprise - masked_mean(odds.transpose(1, 2).gather(1, picked.likely)[:, 0], picked.known)
            terms["loss"] = terms["loss"] + self.best * terms["best"]
        terms["surprise"] = surprise
        terms["loss"] = terms["loss"] + self.surprise * surprise + self.apart * terms["crowding"]
        return terms


def displacement(
    position: Float[Tensor, "B S N H 2"], truth: Float[Tensor, "B N H 2"], mask: Bool[Tensor, "B N H"]
) -> Float[Tensor, "B S N"]:
    """Mean displacement (ADE, m) over an agent's frames `mask`; 0 for agents without any."""
    error = (position - truth[:, None]).norm(dim=-1) * mask[:, None]
    return error.sum(-1) / mask.sum(-1).clamp(min=1)[:, None]


def over_agents(value: Float[Tensor, "B S N"], mask: Bool[Tensor, "B N H"]) -> Float[Tensor, ""]:
    """Mean over S and over agents, weighed by their frames: as if all frames were averaged at once."""
    return masked_mean(value, mask.sum(-1)[:, None].expand(value.shape).to(value.dtype))


@dataclass(frozen=True)
class Picked:
    """Codes to learn from.

    Attributes:
        codes: the best for each agent alone, the best for its scene as a whole, and one at random.
        likely: what the odds should have said: the best for agent and scene together.
        known: of whom there is a future.
    """

    codes: Int[Tensor, "B 3 N"]
    likely: Int[Tensor, "B 1 N"]
    known: Bool[Tensor, "B N"]


def pick(energy: Float[Tensor, "B M N"], known: Bool[Tensor, "B N"], joint: float) -> Picked:
    """Choose codes by `energy`.

    The best is sought twice: for each agent by itself, which spreads the intents, and for the scene as a whole, which
    makes one code a future that all can have at once. The random one keeps unused codes alive.
    """
    alone = joint_energy(energy, known, 0.0).argmin(1, keepdim=True)
    together = joint_energy(energy, known, 1.0).argmin(1, keepdim=True)
    likely = joint_energy(energy, known, joint).argmin(1, keepdim=True)
    return Picked(torch.cat((alone, together, torch.randint_like(alone, energy.shape[1])), dim=1), likely, known)


def gaussian(
    path: Float[Tensor, "B S N H 2"],
    scale: Float[Tensor, "B S N H"],
    truth: Float[Tensor, "B N H 2"],
    mask: Bool[Tensor, "B N H"],
) -> Float[Tensor, ""]:
    """Negative log-likelihood (nats a frame, up to a constant) of `truth` about `path`."""
    value = surprisal(path, scale, truth[:, None].expand(path.shape))
    return masked_mean(value, mask[:, None].expand(value.shape))


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
    both = both & (distances(real, real) > APART)
    offset = paths[..., :, None, :] - paths[..., None, :, :]
    distance = (offset.square().sum(-1) + 1e-6).sqrt()
    lack = (F.relu(1.0 - distance / APART).square() * both[:, None]).sum(-1)
    return masked_mean(lack, mask.transpose(1, 2)[:, None].expand(lack.shape))
