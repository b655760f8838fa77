"""Intents: what the context cannot tell about a future, as one discrete code per agent (JEPA's latent variable z).

A deterministic predictor averages over futures. Here it is told a code c of M, and the code is inferred by least energy
in training (LeCun 2022, section 4: z = argmin_z E(x, y, z)), with its price in nats:

    c* = argmin_c  D(zhat(c), z) - rate · log p(c | context),        loss = D(zhat(c*), z) - log p(c* | context)

A code carries at most log M nats, so it cannot smuggle the future in. Energies of an agent are mixed with the mean over
its scene: a code then means the same joint future for everybody, and one index samples a whole scene.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Intents(nn.Module):
    """Codes, their effect on an imagined future, and their prior.

    Args:
        imagined: numbers that are imagined of an agent and step, E.
        width: of the predictor's hidden state, P.
        hidden: width of what a code changes, computed for every code.
        codes: M.
    """

    def __init__(self, imagined: int, width: int, hidden: int, codes: int):
        super().__init__()
        self.codes = codes
        self.code = nn.Embedding(codes, hidden)
        self.gate = nn.Linear(width, hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.bend = nn.Linear(hidden, imagined, bias=False)
        self.odds = nn.Linear(width, codes)

    def prior(self, foreseen: Float[Tensor, "B N H P"]) -> Float[Tensor, "B N M"]:
        """Log-probability of each code, from the context alone."""
        return self.odds(foreseen.mean(2)).log_softmax(-1)

    def forward(self, foreseen: Float[Tensor, "B N H P"], intent: Int[Tensor, "B S N"]) -> Float[Tensor, "B S N H E"]:
        """What the codes `intent` change of the imagined latents and journeys."""
        hidden = F.silu(self.gate(foreseen)[:, None] + self.code(intent)[..., None, :])
        return self.bend(F.silu(self.mix(hidden)))


def every_intent(codes: int, like: Float[Tensor, "B N ..."]) -> Int[Tensor, "B M N"]:
    """Each code in turn, for all agents of a scene alike."""
    batch, agents = like.shape[:2]
    return torch.arange(codes, device=like.device).view(1, -1, 1).expand(batch, -1, agents)


def judged_steps(horizon: int, most: int = 2) -> list[int]:
    """Indices of the steps that a code is chosen by: evenly spread, the last among them. Few are enough and cheap."""
    count = min(most, horizon)
    return [round((place + 1) * horizon / count) - 1 for place in range(count)]


def joint_energy(energy: Float[Tensor, "B M N"], known: Bool[Tensor, "B N"], share: float) -> Float[Tensor, "B M N"]:
    """Energies mixed with `share` of their mean over the scene's agents `known`; those of the others are zero."""
    energy = energy * known[:, None]
    mean = energy.sum(-1, keepdim=True) / known.sum(-1).clamp(min=1)[:, None, None]
    return ((1 - share) * energy + share * mean) * known[:, None]


def infer_intent(energy: Float[Tensor, "B M N"], prior: Float[Tensor, "B N M"], rate: float) -> Int[Tensor, "B 1 N"]:
    """The code of least energy, which pays `rate` for each nat of surprise under the prior."""
    return (energy - rate * prior.transpose(1, 2)).detach().argmin(1, keepdim=True)


def draw_intents(prior: Float[Tensor, "B N M"], samples: int, generator: torch.Generator) -> Int[Tensor, "B S N"]:
    """Joint draws: each agent's code has its prior's distribution, and agents of equal prior draw equal codes.

    The Gumbel noise of a draw is shared by everybody (common random numbers): a code stands for a joint future, so it
    is drawn for all who find it likely, and no draw depends on who else is in the batch.
    """
    uniform = torch.rand(1, samples, 1, prior.shape[-1], generator=generator).to(prior.device)
    gumbel = -(-uniform.clamp(1e-9, 1 - 1e-7).log()).log()
    return (prior[:, None] + gumbel).argmax(-1)


def usage(intent: Int[Tensor, "..."], codes: int, known: Bool[Tensor, "..."]) -> Float[Tensor, "M"]:
    """Share of the inferred codes `intent` where `known`: a histogram, flat where all codes are used alike."""
    count = torch.bincount(intent[known], minlength=codes).float()
    return count / count.sum().clamp(min=1)


def codes_in_use(share: Float[Tensor, "M"]) -> Float[Tensor, ""]:
    """Effective number of codes of a histogram: the exponential of its entropy; M where all are used alike."""
    return torch.special.entr(share).sum().exp()
