"""How much people mind: their reactions to the ego, held against those that it expected of them.

    reaction_p = s_p (expected reaction_p) + noise,    s_p ~ N(m, spread^2),    m ~ N(1, doubt^2).

The expected reaction is the world model's: what an act of the ego changes of where people will be. s_p = 1 says
that a person answers as those of the logs did, 0 that it does not heed the ego at all. m is what people are like here,
estimated from all who were met (an empirical Bayes estimate: Efron & Morris 1973), s_p what one person is like. Running
sums are all the memory there is, so encounters never end.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Regard:
    """The ego's picture of B x N people, and of people at large.

    Args:
        spread: of s within a population.
        doubt: about the mean of a population never met.
        noise: m, of each coordinate of a reaction: the error of the forecast most of all.
    """

    def __init__(self, spread: float = 0.5, doubt: float = 3.0, noise: float = 0.2):
        self.spread, self.doubt, self.noise = spread, doubt, noise
        self.met = torch.zeros(2, 0)
        self.both = self.own = torch.zeros(0, 0)

    def begin(self, scenes: int, agents: int) -> None:
        """Other people are met; those of before are remembered as examples of what people are like."""
        self.met = self._everybody()
        self.both, self.own = torch.zeros(2, scenes, agents).unbind(0)

    def observe(
        self, expected: Float[Tensor, "B N 2"], reaction: Float[Tensor, "B N 2"], known: Bool[Tensor, "B N"]
    ) -> None:
        """Take in how people reacted (m), where `known`."""
        self.both = self.both + torch.where(known, (expected * reaction).sum(-1), 0.0)
        self.own = self.own + torch.where(known, expected.square().sum(-1), 0.0)

    @property
    def people_at_large(self) -> float:
        """m, from everybody met so far."""
        both, own = self._everybody()
        seen = own > 0
        told = 1 / (self.noise**2 / own[seen] + self.spread**2)
        weighed = (told * both[seen] / own[seen]).sum() + 1 / self.doubt**2
        return float(weighed / (told.sum() + 1 / self.doubt**2))

    def estimate(self) -> Float[Tensor, "B N"]:
        """s of everybody here, never below 0."""
        prior = (self.noise / self.spread) ** 2
        return ((self.both + prior * self.people_at_large) / (self.own + prior)).clamp(min=0.0)

    def _everybody(self) -> Float[Tensor, "2 P"]:
        return torch.cat((self.met, torch.stack((self.both.flatten(), self.own.flatten()))), dim=1)
