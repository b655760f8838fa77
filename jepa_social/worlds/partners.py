"""People who change: of six characters, some of them another after a while; and people whose trust follows the ego's.

A character cares for one of six things that an option may bring. Four options are on offer at each interaction, with
features drawn from N(0, 1), and one is chosen with

    p(option k | character i)  ~  exp(1.9 feature_ki)

(a Luce choice: Luce 1959). The sharpness 1.9 and the four options are chosen so that frozen knowledge of the character
that was costs 1.6 nats an interaction. Who changes becomes any of the other five characters, each as likely.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

CHARACTERS = ("selfish", "generous", "fair-minded", "hurried", "curious", "tidy")
"""What each cares for: own gain, the ego's gain, even shares, time saved, what is new, order."""
OPTIONS = 4
SHARPNESS = 1.9
TRUST_RATE, LAPSE = 0.3, 0.05
"""How fast trust follows, and how often somebody does what trust does not say."""


@dataclass
class ChoiceLogs:
    """What N people did in T interactions.

    Attributes:
        menu: features of what was on offer.
        choice: index of what was chosen.
        character: index into `CHARACTERS`: the truth, which is for scores and readouts only.
    """

    menu: Float[Tensor, "N T K 6"]
    choice: Int[Tensor, "N T"]
    character: Int[Tensor, "N T"]


def choice_log_prob(menu: Float[Tensor, "N T K 6"]) -> Float[Tensor, "N T 6 K"]:
    """Log-probability of each option for each character."""
    return (SHARPNESS * menu.transpose(-1, -2)).log_softmax(-1)


def live_with(character: Int[Tensor, "N T"], generator: torch.Generator) -> ChoiceLogs:
    """Draw menus and choices of people whose character at each interaction is given."""
    menu = torch.randn(*character.shape, OPTIONS, len(CHARACTERS), generator=generator)
    index = character[..., None, None].expand(*character.shape, 1, OPTIONS)
    odds = choice_log_prob(menu).gather(-2, index)[..., 0, :].exp()
    choice = torch.multinomial(odds.flatten(0, 1), 1, generator=generator).view(character.shape)
    return ChoiceLogs(menu, choice, character)


def changing_now_and_then(count: int, steps: int, hazard: float, generator: torch.Generator) -> Int[Tensor, "N T"]:
    """Characters of people who change before each interaction with probability `hazard`."""
    changes = torch.rand(count, steps, generator=generator) < hazard
    shift = torch.randint(1, len(CHARACTERS), (count, steps), generator=generator) * changes
    shift[:, 0] = torch.randint(len(CHARACTERS), (count,), generator=generator)
    return shift.cumsum(1) % len(CHARACTERS)


def changing_once(count: int, steps: int, switch: int, generator: torch.Generator) -> Int[Tensor, "N T"]:
    """Characters of people who change after `switch` interactions; nobody does where `switch` >= `steps`."""
    first = torch.randint(len(CHARACTERS), (count, 1), generator=generator)
    other = torch.randint(1, len(CHARACTERS), (count, 1), generator=generator)
    return (first + other * (torch.arange(steps) >= switch)) % len(CHARACTERS)


def trust_after(first: Float[Tensor, "N"], mine: Float[Tensor, "N T"]) -> Float[Tensor, "N T+1"]:
    """Trust before each interaction and after the last: trust += 0.3 (what I did - trust), 1 for cooperation."""
    trust = [first]
    for act in mine.unbind(1):
        trust.append(trust[-1] + TRUST_RATE * (act - trust[-1]))
    return torch.stack(trust, dim=1)


def cooperation(trust: Tensor) -> Tensor:
    """Probability that somebody of this trust cooperates."""
    return LAPSE + (1 - 2 * LAPSE) * trust
