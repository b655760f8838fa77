"""The exact Bayesian observer of false belief: the most that can be known of where the walker believes the thing to be.

It is told the generative model (`false_belief`) and sees what any model sees: where everybody and everything is. With
v = whether the swap was in the walker's view, n = whether it was noticed, and the steps a_t since,

    p(n | x, a) ~ p(n | v) prod_t pi(a_t | x_t, believed box of n),      p(n = 1 | v) = notice * v,

weighed by 1 / p(n), as balanced accuracy counts false and true beliefs alike (inverse planning: Baker et al. 2017).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, SIZE, WALKER, Trials
from jepa_social.worlds.village.grid import destinations, distances, sees, step_log_odds


@dataclass(frozen=True)
class BeliefObserver:
    """Attributes: those of `Village`; `noticed` is how many swaps are noticed over all trials, p(n = 1)."""

    beta: float = 1.0
    notice: float = 0.8
    half_angle: float = 80.0
    noticed: float = 0.63

    def posterior(self, trials: Trials, share: int) -> Float[Tensor, "K 4"]:
        """Probability of each box to be the believed one when question `share` is put."""
        scene, rows = trials.scene, torch.arange(len(trials.believed))
        cell = scene.position[:, WALKER].round().long()
        boxes = scene.position[:, trials.first_box : trials.first_box + BOXES, 0].round().long()
        pair = torch.stack((boxes[rows, trials.former], boxes[rows, trials.actual]), dim=1)
        walls = torch.zeros(1, SIZE, SIZE, dtype=torch.bool).expand(len(cell), -1, -1)
        start = int(trials.asked[0, 0])
        heading = scene.heading[:, WALKER, start]
        facing = torch.stack((heading.cos(), heading.sin()), -1).round().long()
        seen = sees(walls, cell[:, start, None], facing[:, None], pair, self.half_angle)[:, 0].any(-1)
        chance = torch.where(seen, self.notice, 0.0)
        log = torch.stack(((1 - chance) / (1 - self.noticed), chance / self.noticed), dim=-1).log()
        away = distances(walls, pair)
        for t in range(start, int(trials.asked[:, share].max())):
            odds = step_log_odds(away, walls, cell[:, t, None], self.beta)[:, :, 0]
            led = (destinations(walls, cell[:, t, None])[:, 0] == cell[:, t + 1, None]).all(-1)
            taken = odds.masked_fill(~led[:, None], -torch.inf).logsumexp(-1)  # at the edge several moves lead nowhere
            log = log + torch.where((t < trials.asked[:, share])[:, None], taken, 0.0)
        odds = log.softmax(-1)
        out = torch.zeros(len(cell), BOXES)
        out[rows, trials.former] = odds[:, 0]
        out[rows, trials.actual] += odds[:, 1]
        return out
