"""The reward that comes from inside: what I believe that others think of me, by my own model of them.

    reward(situation) = sum_r p(reaction r | z, situation) worth_r,

z the latent of a `PersonModel` of whoever looks on, worth_r what a reaction has been found to say about how people who
were asked afterwards had judged. No evaluation ever enters: the reward moves only as z does, and z moves only by
reactions that come otherwise than predicted. So it can be wrong both ways, and shame follows the devaluation that is
believed, not the deed (Robertson et al. 2018).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.mind.acquaintance import Acquaintance
from jepa_social.models.person import Interactions, PersonModel


class BelievedReward:
    """The reward among B others who are met one interaction after the other.

    Args:
        model: of people's reactions: its acts are the R reactions, one-hot.
        worth: of each reaction, from `fit_worth`.
        count: B.
        learns: whether reactions are taken in; if not, nobody is ever known better than at first.
    """

    def __init__(self, model: PersonModel, worth: Float[Tensor, "R"], count: int, learns: bool = True):
        self.worth, self.learns = worth, learns
        self.others = Acquaintance(model, count)

    def expects(self, situation: Float[Tensor, "B F"]) -> Float[Tensor, "B R"]:
        """Probability of each reaction."""
        return self.others.log_prob(situation[:, None], self._acts(situation)[:, None])[:, 0].exp()

    def reward(self, situation: Float[Tensor, "B F"]) -> Float[Tensor, "B"]:
        """The evaluation of me that I expect, in the unit in which people were asked."""
        return self.expects(situation) @ self.worth

    def observe(self, situation: Float[Tensor, "B F"], reaction: Int[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Take in how they reacted; returns the surprise, nats."""
        surprise = -self.expects(situation).gather(-1, reaction[:, None])[:, 0].log()
        if self.learns:
            self.others.observe(situation, self._acts(situation), reaction)
        return surprise

    def _acts(self, situation: Float[Tensor, "B F"]) -> Float[Tensor, "B R R"]:
        """What people may do: each reaction, one-hot."""
        return torch.eye(len(self.worth)).expand(len(situation), -1, -1)


@torch.no_grad()
def fit_worth(model: PersonModel, logs: Interactions, evaluation: Float[Tensor, "B T"]) -> Float[Tensor, "R"]:
    """What reactions say about evaluations: least squares of what people said when asked, on predicted reactions.

    Args:
        model: of their reactions.
        logs: of people who were asked afterwards.
        evaluation: what they said.
    """
    latent = model.encode(logs.situation, logs.act, logs.known)[:, :-1]
    chance = model.log_prob(latent, logs.situation, logs.acts).exp()[logs.known]
    return torch.linalg.lstsq(chance.double(), evaluation[logs.known].double()[:, None]).solution[:, 0].float()
