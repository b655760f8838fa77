"""Capability D, the internal social reward: what an ego believes that others think of it, scored by what they do think.

The generative model: `worlds/audience.py`. The exact observer knows all of it but q, of which it believes at first what
its past was like; its belief after reactions r is

    p(q | r) ~ Beta(q; 0.46 c, 0.54 c) prod_t p(r_t | q)   over slips in public,   evaluation = -1.5 E[q | r].
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.mind.social_reward import BelievedReward
from jepa_social.worlds.audience import ALIKE, FALL, FROWN, NOTICED_BEFORE, NOTICED_NOW, Witnessed, occasions, react

STEPS = 200
ASKED = (0, 10, 50, 199)
"""Interactions after which the bias is asked."""
GRID = torch.linspace(0.0025, 0.9975, 200)


def meet_audiences(count: int, seed: int, steps: int = STEPS) -> Witnessed:
    """Audiences that notice half as much as those of the ego's past."""
    generator = torch.Generator().manual_seed(seed)
    public, slip = occasions(count, steps, generator)
    return react(torch.full((count,), NOTICED_NOW), public, slip, generator)


@dataclass
class AudienceObserver:
    """The exact observer. `learns`: or its belief stays the prior. `told`: or it knows q, as an oracle does.

    It is asked and told like `BelievedReward`: `reward`, `observe`.
    """

    count: int
    learns: bool = True
    told: float | None = None

    def __post_init__(self):
        log = (NOTICED_BEFORE * ALIKE - 1) * GRID.log() + ((1 - NOTICED_BEFORE) * ALIKE - 1) * (1 - GRID).log()
        self.log = log.expand(self.count, -1)

    def reward(self, situation: Float[Tensor, "N 2"]) -> Float[Tensor, "N"]:
        """Expected evaluation."""
        noticing = (self.log.softmax(-1) * GRID).sum(-1) if self.told is None else torch.full((self.count,), self.told)
        return torch.where(situation.bool().all(-1), -FALL * noticing, 0.0)

    def observe(self, situation: Float[Tensor, "N 2"], reaction: Int[Tensor, "N"]) -> None:
        """Take a reaction in."""
        if self.learns:
            rate = FROWN[0] + (FROWN[1] - FROWN[0]) * GRID
            told = torch.where(reaction[:, None].bool(), rate.log(), (1 - rate).log())
            self.log = self.log + torch.where(situation.bool().all(-1, keepdim=True), told, 0.0)


def situations(public: Bool[Tensor, "..."], slip: Bool[Tensor, "..."]) -> Float[Tensor, "... 2"]:
    """What an ego knows of an interaction before anybody reacts."""
    return torch.stack((public, slip), dim=-1).float()


def live_through(
    mind: BelievedReward | AudienceObserver, met: Witnessed
) -> tuple[Float[Tensor, "N T"], Float[Tensor, "N T"]]:
    """What a mind predicts of each interaction's evaluation, and what it would of a slip in public, before reactions.

    Args:
        mind: whose beliefs they are; it learns on the way.
        met: what happens to it.
    """
    situation, reaction = situations(met.public, met.slip), met.frown.long()
    own, asked = [], []
    for t in range(situation.shape[1]):
        own.append(mind.reward(situation[:, t]))
        asked.append(mind.reward(torch.ones_like(situation[:, t])))
        mind.observe(situation[:, t], reaction[:, t])
    return torch.stack(own, 1), torch.stack(asked, 1)


def reward_columns(own: Float[Tensor, "N T"], asked: Float[Tensor, "N T"], met: Witnessed) -> Columns:
    """|bias| of the evaluation expected of a slip in public, at `ASKED`, and two rates of error over all such slips.

    The true expectation is -1.5 q. With p the share of disapproval that is predicted (evaluation / -1.5, in [0, 1]),
    *embarrassment without cause* is how often disapproval is predicted and nobody noticed, mean of p (1 - noticed), and
    *obliviousness* how often none is and somebody did, mean of (1 - p) noticed. Who knows q has q (1 - q) of both.
    `private` is the mean |evaluation| expected of slips that nobody sees.
    """
    columns = {f"bias_{n}": (asked[:, n] + FALL * NOTICED_NOW).abs().double().numpy() for n in ASKED}
    share, noticed = (own / -FALL).clamp(0, 1), (met.evaluation < 0).float()
    counts = met.public & met.slip
    for name, wrong in (("embarrassed", share * (1 - noticed)), ("oblivious", (1 - share) * noticed)):
        columns[name] = ((wrong * counts).sum(1) / counts.sum(1)).double().numpy()
    alone = met.slip & ~met.public
    columns["private"] = ((own.abs() * alone).sum(1) / alone.sum(1)).double().numpy()
    return columns
