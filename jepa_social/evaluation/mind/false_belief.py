"""Capability A, theory of mind: where does somebody believe a thing to be that was moved, perhaps behind its back?

The generative model of a trial (`FalseBelief`, and the defaults of `Village`): a 9 x 9 grid without walls, a box in
each 3 x 3 corner, one thing in one of them, a walker that wants it, starts at least four steps from it at a cell drawn
uniformly, knows where it is, and steps by p(a) ~ exp(-beta d(next cell, believed box)), beta = 1, over four moves. At
frame 3 the thing is moved to another box. The walker can see it if either box lies within 80 degrees of the way it last
stepped, and then notices with probability 0.8. It stops where it believes the thing to be. Asked is which of the four
boxes that is, at the frame of the move and after (rounded up) a quarter and half of the steps that are left to it then.
The path itself tells more and more; the frame of the move alone tells nothing that happened before it.

After a quarter of the path the moment of the question tells how long the path is. So it is put a fixed number of frames
after the move as well, the same in every trial, to those that are still under way then, which the frames show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.scene import Scene
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.beliefs import UNKNOWN
from jepa_social.worlds.village.scenarios import FalseBelief

SHARES = (0.0, 0.25, 0.5)
"""Of the path since the swap that has been seen when the question is put."""
AFTER = (2, 4)
"""Frames since the swap at which the question is put as well; these questions follow those of `SHARES`."""
BOXES = 4
SIZE = 9
WALKER = 0
THING = 4
"""Place of the goal among things."""


@dataclass
class Trials:
    """K trials of which every one has an answer.

    Attributes:
        scene: whole runs; the walker is agent 0, then (a watcher and) the boxes, then the thing. No `truth` in it.
        first_box: place of the first box among the scene's entities.
        believed: `[K]` the box (0..3) where the walker believes the thing to be after the swap: the answer.
        actual: `[K]` the box where it is.
        former: `[K]` the box where it was; for who never knew, the box of its second best.
        moved: `[K,2]` the boxes from which and to which the thing was moved.
        asked: `[K,5]` frames at which the question is put (`SHARES`, then `AFTER`).
        seed: `[K]`.
    """

    scene: Scene
    first_box: int
    believed: Int[Tensor, "K"]
    actual: Int[Tensor, "K"]
    former: Int[Tensor, "K"]
    moved: Int[Tensor, "K 2"]
    asked: Int[Tensor, "K 5"]
    seed: Int[Tensor, "K"]

    def first(self, count: int) -> "Trials":
        """The first `count` of them."""
        return self.rows(torch.arange(len(self.asked))[:count])

    def rows(self, chosen: Tensor) -> "Trials":
        """Some of them, by index."""
        cut = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "first_box"}
        return Trials(first_box=self.first_box, **cut)

    @property
    def false(self) -> Bool[Tensor, "K"]:
        """Whether belief and truth disagree."""
        return self.believed != self.actual

    def under_way(self, question: int) -> Bool[Tensor, "K"]:
        """Who has not arrived yet when the question is put."""
        walker = self.scene.position[:, WALKER]
        here = walker[torch.arange(len(walker)), self.asked[:, question]]
        return (here != walker[:, -1]).any(-1)

    def upto(self, share: int) -> list[tuple[int, Int[Tensor, "M"]]]:
        """Frames at which question `share` is put, each with the trials in which it is put then."""
        frames = self.asked[:, share]
        return [(int(frame), (frames == frame).nonzero()[:, 0]) for frame in frames.unique()]


def run_trials(seeds: Sequence[int], frames: int = 32, village: Village | None = None) -> Trials:
    """Play the scenario out; trials in which the walker does not arrive within `frames` are left out (about 2 in 1000).

    Of one who comes to meet another (`company`), it is where it thinks that the other believes the thing to be. Of an
    `ignorant` walker, `believed` is the box that it goes for: that of its thing if it saw it moved, that of its
    second best if it does not know. `false` says that it does not know.

    Raises:
        ValueError: no trial is left.
    """
    village = village or Village(FalseBelief(), limit=frames)
    frames = min(frames, village.limit)
    village.reset(seeds)
    scenario = village.scenarios[0]
    assert isinstance(scenario, FalseBelief)
    for _ in range(frames):
        village.step()
    scene = village.history()
    belief = village.beliefs.expected(village.layout.meets)[:, WALKER]
    sought = torch.where(belief[:, THING] == UNKNOWN, belief[:, -1], belief[:, THING])
    boxes = village.place(village.layout.thing[:, :BOXES])
    walker = scene.position[:, WALKER]
    elsewhere = (walker != walker[:, -1:]).any(-1)
    end = torch.where(elsewhere, torch.arange(frames + 1), -1).amax(1) + 1  # frame of arrival: there it stays
    kept = (village.place(village.cell[:, WALKER]) == sought) & (end > scenario.time)
    if not bool(kept.any()):
        raise ValueError(f"nobody arrives within {frames} frames: allow more")
    left = (end - scenario.time)[:, None]
    shares = scenario.time + (left * torch.tensor(SHARES)).ceil().long()
    asked = torch.cat((shares, (scenario.time + torch.tensor(AFTER)).expand(len(shares), -1)), dim=1)

    def box(place: Tensor) -> Tensor:
        return (boxes == place[:, None]).long().argmax(1)[kept]

    scene.truth = None
    before, actual = (box(village.place(part[:, THING])) for part in (village.layout.thing, village.thing))
    return Trials(
        scene=scene[kept],
        first_box=village.layout.start.shape[1],
        believed=box(sought),
        actual=actual,
        former=box(village.place(village.layout.thing[:, -1])) if scenario.ignorant else before,
        moved=torch.stack((before, actual), dim=1),
        asked=asked[kept],
        seed=torch.tensor(village.seeds)[kept],
    )


def open_grid(count: int) -> Bool[Tensor, "K 9 9"]:
    """The grids of `count` trials: no walls."""
    return torch.zeros(1, SIZE, SIZE, dtype=torch.bool).expand(count, -1, -1)


def balanced_hits(
    answer: Int[Tensor, "K"], trials: Trials, among: Bool[Tensor, "K"] | None = None
) -> Float[Tensor, "K"]:
    """Each trial's contribution to balanced accuracy: its hit, weighed so that false and true beliefs count alike.

    The mean over trials (those `among` which it is asked; others are NaN) is the mean of the accuracies on false-belief
    and on true-belief trials.
    """
    if among is None:
        among = torch.ones_like(trials.false)
    hit = (answer == trials.believed).double()
    return torch.where(among, hit * balance(trials, among) / 2, torch.nan)


def balance(trials: Trials, among: Bool[Tensor, "K"]) -> Float[Tensor, "K"]:
    """Weights by which false and true beliefs count alike `among` some; their mean there is 2, elsewhere they are 0."""
    share = trials.false[among].double().mean()
    return torch.where(trials.false, 1 / share, 1 / (1 - share)) * among
