"""What an ego does in four situations that is moved by what it believes that people think of it."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.evaluation.mind.tolerance_observer import Mind, features
from jepa_social.worlds.tolerance import REACHES, behave, occasions

GAIN = (1.0, 1.0, -0.4, -0.4)
"""What going all the way brings the ego, times g: pushing pays, helping costs."""
RETURNS = (0.0, -0.1, -0.3, -1.0, 0.5)
"""What each behaviour brings the ego."""
Rule = Callable[[Float[Tensor, "N 4"], Int[Tensor, "N"]], Int[Tensor, "N"]]
"""Gain of each intensity and the situation, to the intensity."""


def selfish(gain: Float[Tensor, "N 4"], situation: Int[Tensor, "N"]) -> Int[Tensor, "N"]:
    """Takes what it gains most by, and thinks of nobody."""
    return gain.argmax(-1)


def altruistic(gain: Float[Tensor, "N 4"], situation: Int[Tensor, "N"]) -> Int[Tensor, "N"]:
    """Never takes anything from anybody, always helps as much as it can."""
    return torch.where(torch.tensor(GAIN)[situation] > 0, 0, REACHES - 1)


def conduct(mind: Mind | Rule, tolerance: Float[Tensor, "N 4"], steps: int, seed: int) -> Columns:
    """Own return and social welfare an interaction of an ego that chooses how far it goes.

    Going as far as x in situation s brings the ego `GAIN`_s g x, g ~ U(0, 1), which it sees. A mind takes the intensity
    of the greatest gain and expected evaluation together, and learns from what it sees then. Own return is the gain and
    what their behaviour brings; welfare is own return and the true evaluation, which is what they have of it.

    Args:
        mind: a fresh mind, or a rule.
        tolerance: of those who are met.
        steps, seed: of the encounters; situations and gains are the same for everybody.
    """
    generator = torch.Generator().manual_seed(seed)
    situation, _ = occasions(len(tolerance), steps, generator)
    luck = torch.rand(len(tolerance), steps, 1, generator=generator)
    reach = torch.arange(REACHES)
    gains = torch.tensor(GAIN)[situation][..., None] * luck * reach / (REACHES - 1)
    own, welfare = [], []
    for t in range(steps):
        here, gain = situation[:, t], gains[:, t]
        if callable(mind):
            chosen = mind(gain, here)
        else:
            believed = [mind.reward(features(here, reach[k].expand_as(here))) for k in range(REACHES)]
            chosen = (gain + torch.stack(believed, -1)).argmax(-1)
        met = behave(tolerance, here[:, None], chosen[:, None], generator)
        if not callable(mind):
            mind.observe(features(here, chosen), met.behaviour[:, 0])
        own.append(gain.gather(1, chosen[:, None])[:, 0] + torch.tensor(RETURNS)[met.behaviour[:, 0]])
        welfare.append(own[-1] + met.evaluation[:, 0])
    return {
        "acted_own": torch.stack(own, 1).double().mean(1).numpy(),
        "acted_welfare": torch.stack(welfare, 1).double().mean(1).numpy(),
    }
