"""Values of villagers, from their errands: weights of kinds of things, and of what a companion would like to have.

The generative model is `worlds.village.errands`. After n errands of a person are seen, asked are the weights (Spearman
correlation over the kinds, a person at a time), the social value orientation (over people) and where the person will
end on errands not seen.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.evaluation.mind.values import rank_correlation
from jepa_social.models.person import Interactions
from jepa_social.worlds.village.errands import KINDS, MARKET, Errands

OBSERVED = (0, 1, 3, 10, 20)
SEEN = max(OBSERVED)
SITUATION, ACT = 0, KINDS + 2


def things(errands: Errands) -> Float[Tensor, "B T K A"]:
    """Things as a model sees them: kind, how far they lie, and what they are worth to the companion."""
    far = (errands.thing - errands.path[:, :, :1]).abs().sum(-1).float()
    kind = torch.eye(KINDS).expand(*far.shape, KINDS)
    return torch.cat((kind, far[..., None] / MARKET.size, errands.wanted[..., None] / MARKET.spread), dim=-1)


def as_interactions(errands: Errands) -> Interactions:
    """Errands as a model sees them: what there was, and where the person ended. No values, and no way of walking."""
    nothing = torch.zeros(*errands.choice.shape, SITUATION)
    return Interactions(nothing, things(errands), errands.choice.clamp(min=0), errands.known)


def errand_columns(
    n: int, asked: Errands, odds: Float[Tensor, "B M K"] | None, found: Float[Tensor, "B K+1"] | None
) -> Columns:
    """Scores of each person after n errands.

    - `trips_nll_<n>`: nats at where errands not seen end
    - `trips_kinds_<n>`: Spearman correlation of weights over the kinds
    - `trips_svo_<n>`: a person's part in the Spearman correlation of the orientation over people: the mean is that.

    Args:
        n: see above.
        asked: errands not seen, and the truth.
        odds: log-probability of where they end; None: not said.
        found: inferred values up to a scale; None: not said.
    """
    columns: Columns = {}
    if odds is not None:
        told = odds.gather(-1, asked.choice.clamp(min=0)[..., None])[..., 0]
        columns[f"trips_nll_{n}"] = -torch.where(asked.known, told, torch.nan).nanmean(1).double().numpy()
    if found is not None:
        columns[f"trips_kinds_{n}"] = rank_correlation(found[:, :KINDS], asked.values[:, :KINDS]).numpy()
        columns[f"trips_svo_{n}"] = rank_products(found[:, KINDS], asked.values[:, KINDS])
    return columns


def rank_products(found: Float[Tensor, "B"], truth: Float[Tensor, "B"]) -> np.ndarray:
    """Products of standardised ranks, whose mean is Spearman's correlation; 0 where what was found says nothing."""
    if found.std() < 1e-6:
        return np.zeros(len(found))
    ranks = [one.argsort().argsort().double() for one in (found, truth)]
    one, two = ((rank - rank.mean()) / rank.std(correction=0) for rank in ranks)
    return (one * two).numpy()


def counted(seen: Errands) -> Float[Tensor, "B K"]:
    """How often each kind was the end of an errand."""
    ended = F.one_hot(seen.choice.clamp(min=0), KINDS) * seen.known[..., None]
    return ended.sum(1).float()


class CountedErrands:
    """Kinds that were chosen often, and things that are near, are chosen again: a logistic model with two weights.

    Args:
        fit: people who are not scored, of whom n errands are seen.
        n: see above.
    """

    def __init__(self, fit: Errands, n: int):
        self.n = n
        self.gains = torch.zeros(2, requires_grad=True)
        search = torch.optim.LBFGS([self.gains], max_iter=60, line_search_fn="strong_wolfe")
        often, far = self._told(fit)
        later = fit[:, SEEN:]

        def loss() -> Tensor:
            search.zero_grad()
            error = F.nll_loss(self._odds(often, far)[later.known], later.choice[later.known])
            error.backward()
            return error

        search.step(loss)
        self.gains.requires_grad_(False)

    def log_prob(self, people: Errands) -> Float[Tensor, "B M K"]:
        """Log-probability of where each errand beyond the first `SEEN` ends."""
        return self._odds(*self._told(people))

    def _told(self, people: Errands) -> tuple[Float[Tensor, "B 1 K"], Float[Tensor, "B M K"]]:
        """How often each kind was chosen, and how far it lies."""
        return counted(people[:, : self.n])[:, None], things(people[:, SEEN:])[..., KINDS]

    def _odds(self, often: Tensor, far: Tensor) -> Float[Tensor, "B M K"]:
        return (self.gains[0] * often - 10 * self.gains[1] * far).log_softmax(-1)
