"""Capability B, value inference: what does somebody value of whom n choices were seen, and what will they choose next?

The generative model is `worlds.menus`; people choose with beta = 1 (hastily) or 4 (carefully), and which of the two a
situation is can be seen. n = 0, 1, 2, 3, 5, 10, 20 choices are observed; asked are the values (Spearman correlation
over the five features, a person at a time) and the choices in menus not seen before.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.evaluation.mind.inverse_planning import most_likely
from jepa_social.models.onlooker import Sights
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.menu_pictures import paint_things
from jepa_social.worlds.menus import OPTIONS, VALUES, Choices, choose

OBSERVED = (0, 1, 2, 3, 5, 10, 20)
BETAS = {"hasty": 1.0, "careful": 4.0}
SITUATION, ACT = 1 + OPTIONS * VALUES, VALUES
NO_MEMORY, TOLD, BLIND = "no memory of the person", "told the features", "eyes that never learned"
"""Rows: what a model says of strangers; the one that needs no pictures; the one whose vision transformer is random."""
RIDGE = 0.01
"""Precision of the prior that keeps a likelihood's maximum finite where choices are separable: a deviation of 10."""
Told = Callable[[int], tuple[Float[Tensor, "B V"], Float[Tensor, "B M K"]]]
"""n to (inferred values up to a scale, log-probability of choices in unseen menus)."""


def interactions(choices: Choices, careful: bool) -> Interactions:
    """Choices as a `PersonModel` sees them: everything on offer relative to the menu's mean. No values in it."""
    offered = choices.menu - choices.menu.mean(2, keepdim=True)
    kind = torch.full_like(offered[..., 0, :1], float(careful))
    known = torch.ones_like(choices.choice, dtype=torch.bool)
    return Interactions(torch.cat((kind, offered.flatten(2)), dim=-1), offered, choices.choice, known)


def sights(choices: Choices, careful: bool, side: int) -> Sights:
    """The same as an `Onlooker` sees them: a picture of `side` pixels of everything on offer. No feature in it."""
    kept, offered = choices.thing.unique(return_inverse=True)
    features = choices.menu.new_empty(len(kept), VALUES)
    features[offered] = choices.menu
    known = torch.ones_like(choices.choice, dtype=torch.bool)
    kind = torch.full_like(choices.choice[..., None], float(careful), dtype=torch.float32)
    return Sights(kind, paint_things(features, side, choices.seed), offered, choices.choice, known)


def value_logs(people: int, seed: int) -> Interactions:
    """Logs to learn from: both kinds of people, as many choices of each as are ever observed and one more."""
    parts = [interactions(some, careful) for some, careful in _both(people, seed)]
    fields = ("situation", "acts", "choice", "known")
    return Interactions(*(torch.cat([getattr(part, name) for part in parts]) for name in fields))


def value_sights(people: int, seed: int, things: int, side: int) -> Sights:
    """The same as seen, in a world of so many `things` for each kind of people: few pictures tell of many choices."""
    hasty, careful = (sights(some, careful, side) for some, careful in _both(people, seed, things))
    careful.offered = careful.offered + len(hasty.pictures)
    fields = ("situation", "pictures", "offered", "choice", "known")
    return Sights(*(torch.cat((getattr(hasty, name), getattr(careful, name))) for name in fields))


def _both(people: int, seed: int, things: int | None = None) -> list[tuple[Choices, bool]]:
    return [
        (choose(people // 2, max(OBSERVED) + 1, beta, 2 * seed + careful, things), bool(careful))
        for careful, beta in enumerate(BETAS.values())
    ]


class ValueReadout(nn.Module):
    """Linear readouts of frozen latents, one for each n: a Gaussian posterior of the values (least squares).

    Args:
        latents: `[B,D]` of people whose values are known, after n choices.
        values: theirs.
        ridge: of the regression, as a share of the latents' variance.
    """

    def __init__(self, latents: Float[Tensor, "B D"], values: Float[Tensor, "B V"], ridge: float = 1e-3):
        super().__init__()
        x, y = latents.double(), values.double()
        self.centre, self.offset = x.mean(0), y.mean(0)
        x, y = x - self.centre, y - self.offset
        gram = x.T @ x / len(x)
        gram = gram + ridge * gram.diagonal().mean().clamp(min=1e-6) * torch.eye(len(gram), dtype=x.dtype)
        self.weight = torch.linalg.solve(gram, x.T @ y / len(x))
        error = y - x @ self.weight
        self.covariance = (error.T @ error / len(x)).float()

    def forward(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, "K V"]:
        """Expected values; `covariance` is how far from them the truth is."""
        return (self.offset + (latents.double() - self.centre) @ self.weight).float()


@torch.no_grad()
def latents_of(model: PersonModel, logs: Interactions) -> Float[Tensor, "B T+1 D"]:
    """What is known of each person after 0, 1, ... choices."""
    return model.encode(logs.situation, logs.act, logs.known)


def counted(choices: Choices, n: int) -> Float[Tensor, "B V"]:
    """Sum of what was chosen minus what was on offer: counting chosen features."""
    menu, choice = choices.menu[:, :n], choices.choice[:, :n]
    taken = menu.gather(2, choice[..., None, None].expand(-1, -1, 1, menu.shape[-1]))[:, :, 0]
    return (taken - menu.mean(2)).sum(1)


def counting_gain(choices: Choices, n: int, unseen: slice) -> float:
    """The scale on which counts foretell choices best, found on people who are not scored (one for each n)."""
    liked = torch.einsum("bmkv,bv->bmk", choices.menu[:, unseen], counted(choices, n))
    gains = torch.logspace(-2, 1.5, 60)
    told = [log_likelihood((gain * liked).log_softmax(-1), choices.choice[:, unseen]).mean() for gain in gains]
    return float(gains[torch.stack(told).argmax()])


def without_prior(choices: Choices, n: int, beta: float) -> Float[Tensor, "B V"]:
    """Each person's own maximum likelihood, told beta (but for `RIDGE`)."""
    return most_likely(choices.menu[:, :n], choices.choice[:, :n], beta, RIDGE)[0]


def log_likelihood(odds: Float[Tensor, "B M K"], choice: Int[Tensor, "B M"]) -> Float[Tensor, "B"]:
    """Mean log-likelihood of a person's choices."""
    return odds.gather(-1, choice[..., None])[..., 0].mean(-1)


def rank_correlation(found: Float[Tensor, "B V"], truth: Float[Tensor, "B V"]) -> Float[Tensor, "B"]:
    """Spearman correlation within each row; 0 where the row found says nothing."""
    rank = [x.argsort(-1).argsort(-1).double() for x in (found, truth)]
    n = found.shape[-1]
    rho = 1 - 6 * (rank[0] - rank[1]).square().sum(-1) / (n * (n * n - 1))
    return torch.where(found.std(-1) > 1e-6, rho, 0.0)


def value_columns(told: Told, choices: Choices, unseen: slice, kind: str) -> dict[str, np.ndarray]:
    """Scores of each person for each n: rank correlation, log-loss, accuracy and overconfidence in unseen menus."""
    columns: dict[str, np.ndarray] = {}
    for n in OBSERVED:
        found, odds = told(n)
        choice = choices.choice[:, unseen]
        top, hit = odds.exp().amax(-1).mean(-1), (odds.argmax(-1) == choice).double().mean(-1)
        columns[f"{kind}_rho_{n}"] = rank_correlation(found, choices.values).numpy()
        columns[f"{kind}_nll_{n}"] = -log_likelihood(odds, choice).double().numpy()
        columns[f"{kind}_accuracy_{n}"] = hit.numpy()
        columns[f"{kind}_overconfidence_{n}"] = (top.double() - hit).numpy()
    return columns


def inside(
    mean: Float[Tensor, "B V"], covariance: Float[Tensor, "*B V V"], truth: Float[Tensor, "B V"], sigmas: float = 1.645
) -> np.ndarray:
    """Share of a person's values within the central 90 % of a Gaussian posterior."""
    deviation = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    return ((truth - mean).abs() < sigmas * deviation).double().mean(-1).numpy()
