"""Exact Bayesian inverse planning: the most that can be known of somebody's values from choices seen.

Told the generative model of `worlds.menus`, the posterior p(w | choices) ~ N(w; mean, I) prod softmax(beta w . x) is
log-concave. Its mode is found by damped Newton steps; expectations are taken by self-normalised importance sampling
from a multivariate t (8 degrees of freedom), first around the mode with the curvature there, then again (`refined`
times) with the mean and covariance found so far (adaptive importance sampling: Bugallo et al. 2017). What error is
left is that of as many exact draws as `effective` says (a test).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

NEWTON, STEPS, FREEDOM = 12, (1.0, 0.5, 0.25, 0.1, 0.02), 8.0


@dataclass(frozen=True)
class Posterior:
    """Weighted samples of each person's values.

    Attributes:
        values: the samples.
        weight: sums to 1 for each person.
        beta: with which these people choose.
    """

    values: Float[Tensor, "B S V"]
    weight: Float[Tensor, "B S"]
    beta: float

    @property
    def mean(self) -> Float[Tensor, "B V"]:
        """Expected values."""
        return torch.einsum("bs,bsv->bv", self.weight, self.values)

    @property
    def covariance(self) -> Float[Tensor, "B V V"]:
        """How uncertain they are."""
        away = self.values - self.mean[:, None]
        return torch.einsum("bs,bsv,bsu->bvu", self.weight, away, away)

    @property
    def effective(self) -> Float[Tensor, "B"]:
        """Effective share of the samples, 0..1."""
        return 1 / self.weight.square().sum(-1) / self.weight.shape[1]

    def log_prob(self, menu: Float[Tensor, "B M K V"]) -> Float[Tensor, "B M K"]:
        """Log-probability of each choice, averaged over what the person may value."""
        worth = self.beta * torch.einsum("bmkv,bsv->bmks", menu, self.values)
        return torch.einsum("bmks,bs->bmk", worth.softmax(2), self.weight).clamp(min=1e-12).log()


@dataclass(frozen=True)
class ValueObserver:
    """The observer.

    Attributes:
        beta: of the choices.
        samples: of the posterior.
        refined: how often they are drawn anew.
        seed: of the samples, the same for everybody.
    """

    beta: float
    samples: int = 384
    refined: int = 2
    seed: int = 0

    def posterior(self, menu: Float[Tensor, "B n K V"], choice: Int[Tensor, "B n"]) -> Posterior:
        """What n choices say (n may be 0)."""
        place, scatter = most_likely(menu, choice, self.beta)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            normal = torch.randn(self.samples, menu.shape[-1])
            drawn = (
                normal * (FREEDOM / torch.distributions.Chi2(torch.tensor(FREEDOM)).sample((self.samples, 1))).sqrt()
            )
        # up to what is the same for all samples of a person
        proposal = -(FREEDOM + menu.shape[-1]) / 2 * (1 + drawn.square().sum(-1) / FREEDOM).log()
        found = self._sampled(place, scatter, drawn, proposal, menu, choice)
        for _ in range(self.refined):
            scatter = 0.9 * found.covariance + 0.1 * scatter  # never singular
            found = self._sampled(found.mean, scatter, drawn, proposal, menu, choice)
        return found

    def _sampled(
        self, place: Tensor, scatter: Tensor, drawn: Tensor, proposal: Tensor, menu: Tensor, choice: Tensor
    ) -> Posterior:
        values = place[:, None] + drawn @ torch.linalg.cholesky(scatter).mT
        weight = (log_posterior(values, menu, choice, self.beta) - proposal).softmax(-1)
        return Posterior(values, weight, self.beta)


def log_posterior(
    values: Float[Tensor, "B S V"],
    menu: Float[Tensor, "B n K V"],
    choice: Int[Tensor, "B n"],
    beta: float,
    precision: float = 1.0,
) -> Float[Tensor, "B S"]:
    """Log-posterior of values, up to a constant."""
    worth = beta * torch.einsum("bnkv,bsv->bsnk", menu, values)
    index = choice[:, None, :, None].expand(-1, values.shape[1], -1, 1)
    told = worth.log_softmax(-1).gather(-1, index)[..., 0].sum(-1)
    return told - precision * values.square().sum(-1) / 2


def most_likely(
    menu: Float[Tensor, "B n K V"], choice: Int[Tensor, "B n"], beta: float, precision: float = 1.0
) -> tuple[Float[Tensor, "B V"], Float[Tensor, "B V V"]]:
    """Mode and inverse curvature of the posterior under N(0, I / precision); a small precision leaves the likelihood.

    Newton's method, each step as long as serves the person best.
    """
    people, features = len(menu), menu.shape[-1]
    eye = precision * torch.eye(features)
    mode, lengths = torch.zeros(people, features), torch.tensor(STEPS)
    index = choice[..., None, None].expand(-1, -1, 1, features)
    taken = menu.gather(2, index)[:, :, 0]
    curvature = eye.expand(people, -1, -1)
    for _ in range(NEWTON if menu.shape[1] else 0):
        odds = (beta * torch.einsum("bnkv,bv->bnk", menu, mode)).softmax(-1)
        mean = torch.einsum("bnk,bnkv->bnv", odds, menu)
        slope = beta * (taken - mean).sum(1) - precision * mode
        spread = torch.einsum("bnk,bnkv,bnku->bvu", odds, menu, menu) - torch.einsum("bnv,bnu->bvu", mean, mean)
        curvature = eye + beta**2 * spread
        step = torch.linalg.solve(curvature, slope)
        tried = mode[:, None] + lengths[:, None] * step[:, None]
        best = log_posterior(tried, menu, choice, beta, precision).argmax(-1)
        mode = tried[torch.arange(people), best]
    return mode, torch.linalg.inv(curvature)
