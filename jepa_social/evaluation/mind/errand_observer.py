"""Exact inverse planning of errands: what paths say of values, on the village's own softmax-rational steps.

The posterior of a person's values, N(0, I) in the numbers that `worlds.village.errands.from_normal` reads, times the
probability of every step seen, is sampled by self-normalised importance sampling from a multivariate normal that is
fitted to it again and again (adaptive importance sampling: Bugallo et al. 2017). Where somebody will end next time is
told by the village's own walk, cell by cell, averaged over the posterior.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.worlds.village.errands import BETA, FRAMES, KINDS, MARKET, Errands, from_normal
from jepa_social.worlds.village.grid import destinations, distances, step_log_odds

LEAST = -30.0
"""Log-probability of a step that a hypothesis does not allow."""
BROAD = 1.5
"""How much broader than what was found so far the next samples are drawn."""


@dataclass(frozen=True)
class Belief:
    """Weighted samples of each person's values; weights of a person sum to 1."""

    values: Float[Tensor, "B S K+1"]
    weight: Float[Tensor, "B S"]

    @property
    def mean(self) -> Float[Tensor, "B K+1"]:
        """Expected values."""
        return torch.einsum("bs,bsv->bv", self.weight, self.values)


def worths(values: Float[Tensor, "B S K+1"], wanted: Float[Tensor, "B T K"]) -> Float[Tensor, "B T S K"]:
    """What things are worth on each errand to somebody of such values, others counted in (`Batch.valued`)."""
    svo = values[:, None, :, -1:]
    return svo.cos() * values[:, None, :, :-1] - svo.sin() * wanted[:, :, None]


def observe(seen: Errands, samples: int = 1500, rounds: int = 3, seed: int = 0) -> Belief:
    """What paths seen say (there may be none)."""
    people, size = len(seen.values), KINDS + 1
    step = step_log_likelihood(seen)
    far = _far(seen.path[:, :, :-1], seen.thing)
    noise = torch.randn(samples, size, generator=torch.Generator().manual_seed(seed))
    place, scatter = torch.zeros(people, size), torch.eye(size).expand(people, -1, -1)
    values, weight = from_normal(noise.expand(people, -1, -1)), torch.full((people, samples), 1 / samples)
    for _ in range(rounds if seen.path.shape[1] else 0):
        root = torch.linalg.cholesky(scatter)
        drawn = place[:, None] + noise @ root.mT
        proposal = -noise.square().sum(-1) / 2 - root.diagonal(dim1=-2, dim2=-1).log().sum(-1, keepdim=True)
        values = from_normal(drawn)
        told = torch.stack([_told(values, seen, far, step, trip) for trip in range(seen.path.shape[1])]).sum(0)
        weight = (told - drawn.square().sum(-1) / 2 - proposal).softmax(-1)
        place = torch.einsum("bs,bsv->bv", weight, drawn)
        away = drawn - place[:, None]
        found = torch.einsum("bs,bsv,bsu->bvu", weight, away, away)
        scatter = BROAD * found + 0.02 * torch.eye(size)
    return Belief(values, weight)


def _far(path: Tensor, thing: Tensor) -> Float[Tensor, "B T F K"]:
    return (path[:, :, :, None] - thing[:, :, None]).abs().sum(-1).float()


def _told(values: Tensor, seen: Errands, far: Tensor, step: Tensor, trip: int) -> Float[Tensor, "B S"]:
    """Log-probability of one errand's path: at each cell the thing of most worth less distance is headed for."""
    worth = worths(values, seen.wanted[:, trip : trip + 1])[:, 0]
    sought = (worth[:, :, None] - far[:, None, trip]).argmax(-1)
    return (
        step[:, trip]
        .expand(len(sought), -1, -1)[:, None]
        .expand(-1, sought.shape[1], -1, -1)
        .gather(-1, sought[..., None])[..., 0]
        .sum(-1)
    )


def step_log_likelihood(seen: Errands) -> Float[Tensor, "B T F K"]:
    """Log-probability of each step that was made, if thing k was headed for. A step off the grid leads nowhere."""
    trips = seen.path.shape[1]
    if not trips:
        return torch.zeros(len(seen.values), 0, FRAMES, KINDS)
    cell, then = seen.path[:, :, :-1].flatten(0, 1), seen.path[:, :, 1:].flatten(0, 1)
    walls = torch.zeros(len(cell), MARKET.size, MARKET.size, dtype=torch.bool)
    odds = step_log_odds(distances(walls, seen.thing.flatten(0, 1)), walls, cell, BETA)
    led = (destinations(walls, cell) == then[:, :, None]).all(-1)
    made = odds.masked_fill(~led[:, None], -torch.inf).logsumexp(-1)
    return made.clamp(min=LEAST).movedim(1, -1).unflatten(0, (-1, trips))


def ends(belief: Belief, asked: Errands, kept: int = 48, seed: int = 0) -> Float[Tensor, "B T K"]:
    """Log-probability of where each errand will end, if it ends at a thing in time: the walk of the village, from cell
    to cell, of `kept` draws of the posterior."""
    chance = torch.Generator().manual_seed(seed)
    rows = torch.multinomial(belief.weight, kept, replacement=True, generator=chance)
    values = belief.values.gather(1, rows[..., None].expand(-1, -1, belief.values.shape[-1]))
    told = [_walked(values, asked[:, trip : trip + 1]) for trip in range(asked.path.shape[1])]
    odds = torch.stack(told, 1).mean(2) + 1e-4
    return (odds / odds.sum(-1, keepdim=True)).log()


def _walked(values: Float[Tensor, "B S K+1"], asked: Errands) -> Float[Tensor, "B S K"]:
    """Probability of being at each thing after a day, of one errand."""
    people, samples = values.shape[:2]
    walls = torch.zeros(people, MARKET.size, MARKET.size, dtype=torch.bool)
    cells = torch.cartesian_prod(torch.arange(MARKET.size), torch.arange(MARKET.size)).expand(people, -1, -1)
    away = distances(walls, asked.thing[:, 0])
    odds = step_log_odds(away, walls, cells, BETA).exp()  # [B,K,C,A]
    there = destinations(walls, cells)
    index = (there[..., 0] * MARKET.size + there[..., 1])[:, None].expand(-1, samples, -1, -1)
    worth = worths(values, asked.wanted)[:, 0]
    sought = (worth[:, :, None] - away.flatten(2).mT[:, None]).argmax(-1)  # [B,S,C]
    chosen = odds[torch.arange(people)[:, None, None], sought, torch.arange(sought.shape[-1])]
    start = asked.path[:, 0, 0, 0] * MARKET.size + asked.path[:, 0, 0, 1]
    now = torch.zeros(people, samples, sought.shape[-1])
    now[torch.arange(people), :, start] = 1.0
    for _ in range(FRAMES):
        flow = (now[..., None] * chosen).flatten(2)
        now = torch.zeros_like(now).scatter_add(2, index.flatten(2), flow)
    place = (asked.thing[:, 0, :, 0] * MARKET.size + asked.thing[:, 0, :, 1])[:, None].expand(-1, samples, -1)
    stays = sought.gather(2, place) == torch.arange(KINDS)
    return now.gather(2, place) * stays
