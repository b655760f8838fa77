"""Reactions: who insists and who gives way where two want the same cell, and how each learns from how it went.

A contest is a game of chicken between two: insist or yield. `PAYOFF` says what it brings. Each agent has one rule, and
remembers every partner apart:

- win-stay-lose-shift: repeats what paid more than nothing, else does the other (Nowak & Sigmund 1993);
- tit-for-tat: does to a partner what it did last, so a grudge lasts until the partner yields (Axelrod 1984);
- Q-learning: stateless values of both moves for each partner, epsilon-greedy (Sutton & Barto 2018, eq. 2.5).

Cooperation is nobody's rule: it is the share of contests that do not end in a clash, a measured outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

RULES = ("win_stay_lose_shift", "tit_for_tat", "q_learning")
YIELD, INSIST = 0, 1
PAYOFF = torch.tensor([[0.25, 0.0], [1.0, -1.0]])
"""Mine, by my move and my partner's: both yield and lose time, one goes first, both insist and clash."""
RATE, EXPLORE = 0.3, 0.1


@dataclass
class Manners:
    """What agents remember of each other; entry `[e,n,m]` is n's of m.

    Attributes:
        rule: `[E,N]` index into `RULES`.
        mine, theirs: `[E,N,N]` moves of the last contest.
        value: `[E,N,N,2]` of yielding and insisting (Q-learning).
        met: `[E,N,N]` contests so far. clashed: `[E,N,N]` how many of them were clashes.
    """

    rule: Int[Tensor, "E N"]
    mine: Int[Tensor, "E N N"]
    theirs: Int[Tensor, "E N N"]
    value: Float[Tensor, "E N N 2"]
    met: Int[Tensor, "E N N"]
    clashed: Int[Tensor, "E N N"]

    @staticmethod
    def strangers(rule: Int[Tensor, "E N"], first: Float[Tensor, "E N"]) -> "Manners":
        """Nobody has met; `first` is uniform and decides the first move: one half insist."""
        e, n = rule.shape
        mine = (first < 0.5).long()[..., None].expand(e, n, n).clone()
        none = torch.zeros(e, n, n, dtype=torch.long, device=rule.device)
        value = torch.zeros(e, n, n, 2, device=rule.device)
        return Manners(rule, mine, mine.clone(), value, none, none.clone())

    def choose(self, chance: Float[Tensor, "E N"]) -> Int[Tensor, "E N N"]:
        """What n would do in a contest with m now; `chance` is uniform, for exploration."""
        won = PAYOFF.to(chance.device)[self.mine, self.theirs] > 0
        stay = torch.where((self.met == 0) | won, self.mine, 1 - self.mine)
        returned = torch.where(self.met == 0, YIELD, self.theirs)
        greedy = torch.where(self.met == 0, self.mine, self.value.argmax(-1))
        explored = (chance / EXPLORE * 2).long().clamp(max=1)[..., None].expand_as(greedy)
        learned = torch.where((chance < EXPLORE)[..., None], explored, greedy)
        return torch.stack((stay, returned, learned), -1).gather(-1, self.rule[..., None, None].expand(*stay.shape, 1))[
            ..., 0
        ]

    def learn(self, contest: Bool[Tensor, "E N N"], move: Int[Tensor, "E N N"]) -> "Manners":
        """Memories after contests (`contest` is symmetric) in which n made `move[n,m]` towards m."""
        other = move.transpose(1, 2)
        gain = PAYOFF.to(self.value.device)[move, other]
        old = self.value.gather(-1, move[..., None])
        new = self.value.scatter(-1, move[..., None], old + RATE * (gain[..., None] - old))
        return Manners(
            self.rule,
            torch.where(contest, move, self.mine),
            torch.where(contest, other, self.theirs),
            torch.where(contest[..., None], new, self.value),
            self.met + contest,
            self.clashed + (contest & (move == INSIST) & (other == INSIST)),
        )

    def cooperation(self) -> Float[Tensor, "E"]:
        """Share of a scene's contests so far that did not end in a clash; NaN before the first."""
        return 1 - self.clashed.sum((1, 2)) / self.met.sum((1, 2))


def settle(
    cell: Int[Tensor, "E N 2"],
    wanted: Int[Tensor, "E N 2"],
    present: Bool[Tensor, "E N"],
    manners: Manners,
    chance: Float[Tensor, "E N"],
) -> tuple[Int[Tensor, "E N 2"], Manners]:
    """Where everybody gets to if no two may share a cell, and what they learn from it.

    Two who step to the same cell contest it: who insists against all that yield gets there, the others wait. Nobody
    steps onto a cell that is taken or being left (people queue), so two never change places. What a scene starts with,
    two in one cell, may be left.
    """
    n = cell.shape[1]
    both = present[:, :, None] & present[:, None] & ~torch.eye(n, dtype=torch.bool, device=cell.device)
    held = ((wanted[:, :, None] == cell[:, None]).all(-1) & both).any(-1)
    moving = (wanted != cell).any(-1) & present & ~held
    same = (wanted[:, :, None] == wanted[:, None]).all(-1)
    contest = same & moving[:, :, None] & moving[:, None] & both
    move = manners.choose(chance)
    first = (move == INSIST) & (move.transpose(1, 2) == YIELD)
    goes = moving & (first | ~contest).all(-1)
    return torch.where(goes[..., None], wanted, cell), manners.learn(contest, move)


def rule_indices(names: Sequence[str]) -> Tensor:
    """Integers of `RULES`.

    Raises:
        ValueError: an unknown rule.
    """
    if unknown := [name for name in names if name not in RULES]:
        raise ValueError(f"world.rules: {unknown} are not among {RULES}")
    return torch.tensor([RULES.index(name) for name in names], dtype=torch.long)
