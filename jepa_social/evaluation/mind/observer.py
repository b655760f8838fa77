"""The exact Bayesian observer of false belief: the most that can be known of where the walker believes the thing to be.

It is told the generative model (`false_belief`) and sees what any model sees: where everybody and everything is. With
v = whether the swap was in the walker's view, n = whether it was noticed, and the steps a_t since,

    p(n | x, a) ~ p(n | v) prod_t pi(a_t | x_t, believed box of n),      p(n = 1 | v) = notice * v,

weighed by 1 / p(n), as balanced accuracy counts false and true beliefs alike (inverse planning: Baker et al. 2017).

The moment of the question is a hint as well: after a quarter of the way s steps have been seen, so the whole way is
4 (s - 1) < L <= 4 s, and ways to the two boxes differ in length. `timed` weighs by p(L | x_t, believed box), which
the steps that a Boltzmann walker still needs give by first-passage recursion. Only that observer is a ceiling for who
sees the frames.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, SIZE, WALKER, Trials, open_grid
from jepa_social.worlds.village.grid import destinations, distances, sees, step_log_odds

LONGEST = 64
"""Steps after which everybody is taken to have arrived."""


def boxes_of(trials: Trials) -> Int[Tensor, "K 4 2"]:
    """Cells of the boxes."""
    return trials.scene.position[:, trials.first_box : trials.first_box + BOXES, 0].round().long()


def facing_at_swap(trials: Trials, agent: int) -> Int[Tensor, "K 1 2"]:
    """Where an agent faces when the thing is moved: along its last step."""
    heading = trials.scene.heading[:, agent, int(trials.asked[0, 0])]
    return torch.stack((heading.cos(), heading.sin()), -1).round().long()[:, None]


def seen_by(trials: Trials, agent: int, half_angle: float) -> Bool[Tensor, "K"]:
    """Whether the swap was in an agent's view."""
    walls = open_grid(len(trials.believed))
    here = trials.scene.position[:, agent, int(trials.asked[0, 0])].round().long()[:, None]
    ends = boxes_of(trials)[torch.arange(len(here))[:, None], trials.moved]
    return sees(walls, here, facing_at_swap(trials, agent), ends, half_angle)[:, 0].any(-1)


@dataclass(frozen=True)
class BeliefObserver:
    """Attributes: those of `Village`; `noticed` is how many swaps are noticed over all trials, p(n = 1); `timed`: it
    uses when the question is put."""

    beta: float = 1.0
    notice: float = 0.8
    half_angle: float = 80.0
    noticed: float = 0.63
    timed: bool = False

    def posterior(self, trials: Trials, question: int) -> Float[Tensor, "K 4"]:
        """Probability of each box to be the believed one when `question` is put."""
        chance = torch.where(seen_by(trials, WALKER, self.half_angle), self.notice, 0.0)
        log = torch.stack(((1 - chance) / (1 - self.noticed), chance / self.noticed), dim=-1).log()
        odds = (log + self.walked(trials, question)).softmax(-1)
        rows, out = torch.arange(len(odds)), torch.zeros(len(odds), BOXES)
        out[rows, trials.former] = odds[:, 0]
        out[rows, trials.actual] += odds[:, 1]
        return out

    def walked(self, trials: Trials, question: int, agent: int = WALKER) -> Float[Tensor, "K 2"]:
        """Log-likelihood of an agent's steps from the swap to `question`, if it goes for the former or the actual box;
        `timed`, with that of the way's length."""
        scene, rows = trials.scene, torch.arange(len(trials.believed))
        cell = scene.position[:, agent].round().long()
        boxes = boxes_of(trials)
        pair = torch.stack((boxes[rows, trials.former], boxes[rows, trials.actual]), dim=1)
        walls = open_grid(len(cell))
        start, asked = int(trials.asked[0, 0]), trials.asked[:, question]
        away, log = distances(walls, pair), torch.zeros(len(cell), 2)
        for t in range(start, int(asked.max())):
            odds = step_log_odds(away, walls, cell[:, t, None], self.beta)[:, :, 0]
            led = (destinations(walls, cell[:, t, None])[:, 0] == cell[:, t + 1, None]).all(-1)
            taken = odds.masked_fill(~led[:, None], -torch.inf).logsumexp(-1)  # at the edge several moves lead nowhere
            log = log + torch.where((t < asked)[:, None], taken, 0.0)
        if self.timed and 0 < question < len(SHARES):
            log = log + self._length(pair, cell[rows, asked], asked - start, SHARES[question])
        return log

    def _length(
        self, pair: Int[Tensor, "K 2 2"], here: Int[Tensor, "K 2"], steps: Int[Tensor, "K"], share: float
    ) -> Float[Tensor, "K 2"]:
        """Log-probability that the whole way is of a length at which the question is put after `steps`, by target."""
        remaining = first_passage(pair, here, self.beta)
        whole = steps[:, None] + torch.arange(LONGEST + 1)
        fits = ((whole * share - 1e-6).ceil() == steps[:, None]) & (whole > 0)
        return (remaining * fits[:, None]).sum(-1).clamp(min=1e-30).log()


def first_passage(
    target: Int[Tensor, "K M 2"], here: Int[Tensor, "K 2"], beta: float
) -> Float[Tensor, "K M {LONGEST}+1"]:
    """Probability that a softmax-rational walker first reaches a target after r = 0, 1, … steps, on the open grid."""
    k, m = target.shape[:2]
    grid = torch.stack(torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij"), -1).flatten(0, 1)
    cells, walls = grid.expand(k, -1, -1), torch.zeros(k, SIZE, SIZE, dtype=torch.bool)
    chance = step_log_odds(distances(walls, target), walls, cells, beta).exp()
    there = destinations(walls[:1], grid[None])[0]
    led = (there[..., 0] * SIZE + there[..., 1]).flatten()
    reached = (cells[:, None] == target[:, :, None]).all(-1)
    now = reached.float()
    own = (here[:, 0] * SIZE + here[:, 1])[:, None, None].expand(k, m, 1)
    out = [now.gather(2, own)]
    for _ in range(LONGEST):
        now = (chance * now[..., led].unflatten(-1, (-1, chance.shape[-1]))).sum(-1).masked_fill(reached, 0.0)
        out.append(now.gather(2, own))
    return torch.cat(out, dim=-1)
