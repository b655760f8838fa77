"""Reactions: who insists and who gives way where two want the same cell, and how each learns from how it went.

A contest is a game of chicken between two: insist or yield. `PAYOFF` says what it brings. Each agent has one rule, and
remembers every partner apart:

- win-stay-lose-shift: repeats what paid more than nothing, else does the other (Nowak & Sigmund 1993);
- tit-for-tat: does to a partner what it did last, so a grudge lasts until the partner yields (Axelrod 1984);
- Q-learning: stateless values of both moves for each partner, epsilon-greedy (Sutton & Barto 2018, eq. 2.5);
- custom: insists with probability sigmoid(push + order o + grudge g), o = 1 if it has waited longer than the other, -1
  if the other has, 0 if neither; g = 1 if the other insisted last, -1 if it yielded, 0 at first. It queues if its order
  is large, pushes in if its push is, and tosses coins if all are zero.

Cooperation is nobody's rule: it is the share of contests that do not end in a clash, a measured outcome.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

RULES = ("win_stay_lose_shift", "tit_for_tat", "q_learning", "custom")
YIELD, INSIST = 0, 1
PAYOFF = torch.tensor([[0.25, 0.0], [1.0, -1.0]])
"""Mine, by my move and my partner's: both yield and lose time, one goes first, both insist and clash."""
RATE, EXPLORE = 0.3, 0.1
ALWAYS = 50.0
"""Push of who insists whatever comes; its negative, of who yields."""
Decide = Callable[[Bool[Tensor, "E N N"], Int[Tensor, "E N N"]], Int[Tensor, "E N N"]]
"""From who contests a cell with whom, and who of two has waited longer (1: the first, -1: the second, 0: neither), to
moves; negative ones leave them to the agent itself."""


@dataclass
class Manners:
    """What agents remember of each other; entry `[e,n,m]` is n's of m.

    Attributes:
        rule: `[E,N]` index into `RULES`.
        mine, theirs: `[E,N,N]` moves of the last contest.
        value: `[E,N,N,2]` of yielding and insisting (Q-learning).
        met: `[E,N,N]` contests so far. clashed: `[E,N,N]` how many of them were clashes.
        waited: `[E,N]` frames in a row for which it could not go where it wanted.
        habit: `[E,N,3]` push, order and grudge of the custom rule.
        latest: `[E,N]` whom each met last (of several at a time, the first).
        faces: whether partners are told apart; if not, all are taken for whom one met last.
    """

    rule: Int[Tensor, "E N"]
    mine: Int[Tensor, "E N N"]
    theirs: Int[Tensor, "E N N"]
    value: Float[Tensor, "E N N 2"]
    met: Int[Tensor, "E N N"]
    clashed: Int[Tensor, "E N N"]
    waited: Int[Tensor, "E N"]
    habit: Float[Tensor, "E N 3"]
    latest: Int[Tensor, "E N"]
    faces: bool = True

    @staticmethod
    def strangers(
        rule: Int[Tensor, "E N"], first: Float[Tensor, "E N"], habit: Float[Tensor, "E N 3"] | None = None
    ) -> "Manners":
        """Nobody has met; `first` is uniform and decides the first move: one half insist."""
        e, n = rule.shape
        mine = (first < 0.5).long()[..., None].expand(e, n, n).clone()
        none = torch.zeros(e, n, n, dtype=torch.long, device=rule.device)
        value = torch.zeros(e, n, n, 2, device=rule.device)
        habit = torch.zeros(e, n, 3, device=rule.device) if habit is None else habit
        nobody = torch.zeros_like(rule)
        return Manners(rule, mine, mine.clone(), value, none, none.clone(), nobody, habit, nobody.clone())

    def longer(self) -> Int[Tensor, "E N N"]:
        """Who of two has waited longer: 1 the first, -1 the second."""
        return (self.waited[:, :, None] - self.waited[:, None]).sign()

    def choose(self, chance: Float[Tensor, "E N"]) -> Int[Tensor, "E N N"]:
        """What n would do in a contest with m now; `chance` is uniform, for exploration and customs."""
        mine, theirs, met = self._recalled(self.mine), self._recalled(self.theirs), self._recalled(self.met)
        won = PAYOFF.to(chance.device)[mine, theirs] > 0
        stay = torch.where((met == 0) | won, mine, 1 - mine)
        returned = torch.where(met == 0, YIELD, theirs)
        greedy = torch.where(met == 0, mine, self._recalled(self.value).argmax(-1))
        explored = (chance / EXPLORE * 2).long().clamp(max=1)[..., None].expand_as(greedy)
        learned = torch.where((chance < EXPLORE)[..., None], explored, greedy)
        grudge = torch.where(met == 0, 0, 2 * theirs - 1)
        usual = customary(self.habit[:, :, None], self.longer(), grudge)
        custom = (chance[..., None] < usual).long()
        every = torch.stack((stay, returned, learned, custom), -1)
        return every.gather(-1, self.rule[..., None, None].expand(*stay.shape, 1))[..., 0]

    def learn(self, contest: Bool[Tensor, "E N N"], move: Int[Tensor, "E N N"]) -> "Manners":
        """Memories after contests (`contest` is symmetric) in which n made `move[n,m]` towards m."""
        other = move.transpose(1, 2)
        gain = PAYOFF.to(self.value.device)[move, other]
        value = self._recalled(self.value)
        old = value.gather(-1, move[..., None])
        new = value.scatter(-1, move[..., None], old + RATE * (gain[..., None] - old))
        return replace(
            self,
            mine=torch.where(contest, move, self.mine),
            theirs=torch.where(contest, other, self.theirs),
            value=torch.where(contest[..., None], new, self.value),
            met=self.met + contest,
            clashed=self.clashed + (contest & (move == INSIST) & (other == INSIST)),
            latest=torch.where(contest.any(-1), contest.int().argmax(-1), self.latest),
        )

    def _recalled(self, memory: Tensor) -> Tensor:
        """What a memory `[E,N,N,...]` says of each partner."""
        if self.faces:
            return memory
        index = self.latest.view(*self.latest.shape, *[1] * (memory.ndim - 2))
        return memory.gather(2, index.expand_as(memory[:, :, :1])).expand_as(memory)

    def cooperation(self) -> Float[Tensor, "E"]:
        """Share of a scene's contests so far that did not end in a clash; NaN before the first."""
        return 1 - self.clashed.sum((1, 2)) / self.met.sum((1, 2))


def customary(
    habit: Float[Tensor, "*n 3"], longer: Int[Tensor, "*n"], grudge: Int[Tensor, "*n"]
) -> Float[Tensor, "*n"]:
    """Probability of insisting by the custom rule; `longer` and `grudge` are its o and g."""
    push, order, bears = habit.unbind(-1)
    return (push + order * longer + bears * grudge).sigmoid()


def settle(
    cell: Int[Tensor, "E N 2"],
    wanted: Int[Tensor, "E N 2"],
    present: Bool[Tensor, "E N"],
    manners: Manners,
    chance: Float[Tensor, "E N"],
    decide: Decide | None = None,
) -> tuple[Int[Tensor, "E N 2"], Manners]:
    """Where everybody gets to if no two may share a cell, and what they learn from it.

    Two who step to the same cell contest it: who insists against all that yield gets there, the others wait. Nobody
    steps onto a cell that is taken or being left (people queue), so two never change places. What a scene starts with,
    two in one cell, may be left. `decide` answers for those who do not follow a rule.
    """
    n = cell.shape[1]
    both = present[:, :, None] & present[:, None] & ~torch.eye(n, dtype=torch.bool, device=cell.device)
    held = ((wanted[:, :, None] == cell[:, None]).all(-1) & both).any(-1)
    leaving = (wanted != cell).any(-1) & present
    moving = leaving & ~held
    same = (wanted[:, :, None] == wanted[:, None]).all(-1)
    contest = same & moving[:, :, None] & moving[:, None] & both
    move = manners.choose(chance)
    if decide is not None:
        decided = decide(contest, manners.longer())
        move = torch.where(decided >= 0, decided, move)
    first = (move == INSIST) & (move.transpose(1, 2) == YIELD)
    goes = moving & (first | ~contest).all(-1)
    after = manners.learn(contest, move)
    after.waited = torch.where(leaving & ~goes, after.waited + 1, 0)
    return torch.where(goes[..., None], wanted, cell), after


def rule_indices(names: Sequence[str]) -> Tensor:
    """Integers of `RULES`.

    Raises:
        ValueError: an unknown rule.
    """
    if unknown := [name for name in names if name not in RULES]:
        raise ValueError(f"world.rules: {unknown} are not among {RULES}")
    return torch.tensor([RULES.index(name) for name in names], dtype=torch.long)
