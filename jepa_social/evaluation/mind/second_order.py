"""Capability A, second order: where does somebody think that *somebody else* believes a thing to be?

The generative model of a trial (`FalseBelief(company=True)`, and the defaults of `Village`): as in `false_belief`, with
two people. The seeker (agent 1) is the walker of `false_belief`. The first one (agent 0) comes to meet it: it steps by
p(a) ~ exp(-beta d(next cell, box)) towards the box in which it thinks that the seeker will look. At the start both know
where the thing is, and that both know. When it is moved at frame 3, the first one credits the seeker with knowing if it
took the move in itself, had the seeker in view, took in where that one looked (probability 0.8, apart from taking in
the move), and the move was in the seeker's view. Else it thinks that the seeker still believes what it did. Whether the
seeker took the move in (0.8 again) does not show. So the first one may credit a seeker who missed the move, and not
credit one who did not. It does not learn from where the seeker walks.

Scored are trials in which the first one took the move in itself, so that neither its own knowledge nor the true state
is the answer, and as many of each of four cells: the seeker knows or does not x the first thinks that it does or not.
The box that the seeker really believes in, the true one and the former are each right in one half of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, THING, WALKER, Trials, open_grid, run_trials
from jepa_social.evaluation.mind.observer import BeliefObserver, facing_at_swap, seen_by
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.grid import sees
from jepa_social.worlds.village.scenarios import FalseBelief

SEEKER = 1
LIMIT = 32
"""Frames within which the first one must arrive."""


@dataclass
class Pairs:
    """K trials, as many of each cell.

    Attributes:
        trials: `believed` is where the first one thinks that the seeker believes the thing to be.
        other: `[K]` the box where the seeker believes it to be.
        often: `[2,2]` how often each cell came before cells were made equal: whether the first one thinks that the
            seeker knows x whether it does.
    """

    trials: Trials
    other: Int[Tensor, "K"]
    often: Float[Tensor, "2 2"]

    @property
    def agree(self) -> Bool[Tensor, "K"]:
        """What the first one thinks of the seeker's belief is so."""
        return self.trials.believed == self.other


def run_pairs(seeds: Sequence[int]) -> Pairs:
    """Play all seeds; keep the first trials of each cell, as many as of the rarest (about 3.5 % of seeds a cell).

    Raises:
        ValueError: a cell is empty.
    """
    village = Village(FalseBelief(company=True), limit=LIMIT)
    trials = run_trials(seeds, LIMIT, village)
    row = {seed: i for i, seed in enumerate(village.seeds)}
    played = torch.tensor([row[int(seed)] for seed in trials.seed])
    boxes = village.place(village.layout.thing[played, :BOXES])
    belief, actual = village.beliefs.place[played, :, THING], trials.actual
    other = (boxes == belief[:, SEEKER, None]).long().argmax(1)
    knows = boxes.gather(1, actual[:, None])[:, 0] == belief[:, WALKER]
    cell = 2 * (trials.believed == actual).long() + (other == actual)
    found = [(knows & (cell == c)).nonzero()[:, 0] for c in range(4)]
    least = min(len(rows) for rows in found)
    if not least:
        raise ValueError("suite.second_order: too few seeds, a cell is empty: play more")
    chosen = torch.cat([rows[:least] for rows in found]).sort().values
    often = torch.tensor([len(rows) for rows in found]).double()
    asked = trials.asked[:, : len(SHARES)]
    return Pairs(replace(trials, asked=asked).rows(chosen), other[chosen], (often / often.sum()).view(2, 2).float())


@dataclass(frozen=True)
class SecondOrderObserver(BeliefObserver):
    """The exact Bayesian observer: with s = whether the first one thinks that the seeker knows, k = whether it does,
    v = the move was in the seeker's view, w = and the seeker in the first one's view, and the steps a, b of both,

        p(s, k | x, a, b) ~ p(s | v w) p(k | v) prod_t pi(a_t | x_t, s) pi(b_t | x_t, k) / p(s, k),

    as the four cells are equally many; p(s = 1 | v w) = notice * v w, p(k = 1 | v) = notice * v. `timed` as in
    `BeliefObserver`."""

    def answer(self, pairs: Pairs, question: int) -> Float[Tensor, "K 4"]:
        """Probability of each box to be where the first one thinks that the seeker believes the thing to be."""
        trials, rows = pairs.trials, torch.arange(len(pairs.other))
        shown = seen_by(trials, SEEKER, self.half_angle)
        credit = torch.where(shown & watched(trials, self.half_angle), self.notice, 0.0)
        knows = torch.where(shown, self.notice, 0.0)
        seeker = BeliefObserver(self.beta, self.notice, self.half_angle)
        first = torch.stack((1 - credit, credit), -1).log() + self.walked(trials, question)
        second = torch.stack((1 - knows, knows), -1).log() + seeker.walked(trials, question, SEEKER)
        joint = first[:, :, None] + second[:, None] - pairs.often.log()
        odds = joint.flatten(1).softmax(-1).view(-1, 2, 2).sum(-1)
        out = torch.zeros(len(rows), BOXES)
        out[rows, trials.former], out[rows, trials.actual] = odds[:, 0], odds[:, 1]
        return out


def watched(trials: Trials, half_angle: float) -> Bool[Tensor, "K"]:
    """Whether the first one had the seeker in view when the thing was moved."""
    walls = open_grid(len(trials.believed))
    here, there = (
        trials.scene.position[:, agent, int(trials.asked[0, 0])].round().long()[:, None] for agent in (WALKER, SEEKER)
    )
    return sees(walls, here, facing_at_swap(trials, WALKER), there, half_angle)[:, 0, 0]
