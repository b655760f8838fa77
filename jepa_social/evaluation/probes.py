"""Probes: small models fitted to frozen features, which tell what the features make easy to read.

A *linear* probe (Alain & Bengio 2017) reads the last observed frame. An *attentive* probe (Bardes et al. 2024, V-JEPA)
pools tokens by cross-attention first: an agent's frames, and its nearest others now. Both are fitted on training
windows; strength and stopping step are chosen on selection windows; test windows are only scored. Pairs are described
by the sum, absolute difference and product of two agents' features, so that their order means nothing.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge strengths per row that are tried."""
CLASSES = {"r2": False, "auc": True}
"""Whether a target scored so is a class."""


@dataclass(frozen=True)
class Samples:
    """What a probe is fitted to or scored on, K samples.

    Attributes:
        tokens: `[K,G,L,D]` of G = 1 agent, or 2 of a pair; the first token is the agent's last observed frame.
        known: `[K,G,L]` which tokens are there; the first always is.
        target: `[K,C]`; 0 or 1 of one column for a class.
        window: `[K]` the window that each sample is from.
    """

    tokens: Tensor
    known: Tensor
    target: Tensor
    window: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def where(self, rows: Tensor) -> "Samples":
        """Some of the samples, by index or mask."""
        return Samples(self.tokens[rows], self.known[rows], self.target[rows], self.window[rows])


def paired(x: Tensor) -> Tensor:
    """Features `[K,G,D]` of an agent `[K,D]`, or of an unordered pair `[K,3D]`."""
    if x.shape[1] == 1:
        return x[:, 0]
    return torch.cat((x.sum(1), (x[:, 0] - x[:, 1]).abs(), x.prod(1)), dim=-1)


def linear_probe(fit: Samples, select: Samples, score: Samples, unit: str) -> Tensor:
    """Predictions `[K,C]` (a logit of a class) of the best linear probe of the last observed frame.

    Ridge regression in closed form, or logistic regression by L-BFGS; the strength is that of least loss on `select`.
    """
    x, z, s = (paired(one.tokens[:, :, 0]).double() for one in (fit, select, score))
    mean, scale = x.mean(0), x.std(0).clamp(min=1e-6)
    x, z, s = ((one - mean) / scale for one in (x, z, s))
    solve = _logistic if CLASSES[unit] else _ridge
    loss = F.binary_cross_entropy_with_logits if CLASSES[unit] else F.mse_loss
    weights = solve(x, fit.target.double())
    best = min(weights, key=lambda w: float(loss(_affine(z, w), select.target.double())))
    return _affine(s, best).float()


def attentive_probe(
    fit: Samples, select: Samples, score: Samples, unit: str, steps: int, seed: int, batch: int = 128
) -> Tensor:
    """Predictions `[K,C]` (a logit of a class) of an attentive probe trained for `steps` of AdamW.

    The weights kept are those of least loss on `select`, looked at eight times. Randomness comes from `seed` alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classes = CLASSES[unit]
        own = fit.tokens[fit.known]
        mean, scale = own.mean(0), own.std(0).clamp(min=1e-6)
        centre = torch.zeros(fit.target.shape[1]) if classes else fit.target.mean(0)
        size = torch.ones_like(centre) if classes else fit.target.square().sub(centre**2).mean().clamp(min=1e-8).sqrt()
        tokens, held, asked = ((one.tokens - mean) / scale for one in (fit, select, score))
        target, wanted = (fit.target - centre) / size, (select.target - centre) / size
        loss = F.binary_cross_entropy_with_logits if classes else F.mse_loss
        probe = AttentivePool(tokens.shape[-1], tokens.shape[1], tokens.shape[2], target.shape[1])
        optimizer = torch.optim.AdamW(probe.parameters(), lr=3e-3, weight_decay=0.05, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
        best, kept = torch.inf, None
        for step in range(1, steps + 1):
            rows = torch.randint(len(tokens), (min(batch, len(tokens)),))
            error = loss(probe(tokens[rows], fit.known[rows]), target[rows])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            schedule.step()
            if step % max(1, steps // 8) == 0 or step == steps:
                with torch.no_grad():
                    now = float(loss(probe(held, select.known), wanted))
                if now < best or kept is None:
                    best, kept = now, {name: value.clone() for name, value in probe.state_dict().items()}
        assert kept is not None
        probe.load_state_dict(kept)
        with torch.no_grad():
            return probe(asked, score.known) * size + centre


class AttentivePool(nn.Module):
    """Cross-attention of the last observed frame's token over all tokens, each with its place, then an MLP.

    Args:
        features: D of the tokens.
        agents: G, 1 or 2.
        places: L tokens an agent.
        outputs: C.
        width: of the probe.
    """

    def __init__(self, features: int, agents: int, places: int, outputs: int, width: int = 64, heads: int = 4):
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.place = nn.Parameter(0.1 * torch.randn(places, width))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        inner = width * (3 if agents == 2 else 1)
        self.head = nn.Sequential(nn.Linear(inner, 2 * width), nn.SiLU(), nn.Linear(2 * width, outputs))

    def forward(self, tokens: Tensor, known: Tensor) -> Tensor:
        """`[K,G,L,D]` and `[K,G,L]` to `[K,C]`."""
        x = self.enter(tokens.flatten(0, 1))
        keys = self.norm(x + self.place)
        pooled = self.attention(keys[:, :1], keys, keys, ~known.flatten(0, 1), need_weights=False)[0]
        return self.head(paired((x[:, 0] + pooled[:, 0]).unflatten(0, tokens.shape[:2])))


def _affine(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight[:-1] + weight[-1]


def _ridge(x: Tensor, y: Tensor) -> list[Tensor]:
    """Weights `[F+1,C]` for every strength; x is centred, so the offset is the mean of y."""
    values, axes = torch.linalg.eigh(x.T @ x / len(x))
    moment = axes.T @ (x.T @ (y - y.mean(0))) / len(x)
    return [torch.cat((axes @ (moment / (values[:, None] + s)), y.mean(0)[None])) for s in STRENGTHS]


def _logistic(x: Tensor, y: Tensor) -> list[Tensor]:
    """Weights `[F+1,1]` for every strength, each started from the stronger one's."""
    weight, found = x.new_zeros(x.shape[1] + 1, 1), []
    for strength in reversed(STRENGTHS):
        weight = weight.detach().clone().requires_grad_()
        optimizer = torch.optim.LBFGS([weight], max_iter=60, line_search_fn="strong_wolfe")

        def closure(w: Tensor = weight, s: float = strength, optimizer: torch.optim.LBFGS = optimizer) -> float:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(_affine(x, w), y) + 0.5 * s * w[:-1].square().sum()
            loss.backward()
            return float(loss.detach())

        optimizer.step(closure)
        found.append(weight.detach())
    return found
