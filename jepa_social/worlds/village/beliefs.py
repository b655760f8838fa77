"""Beliefs follow what was seen: where each agent thinks each thing lies, and what it thinks that others think.

A place is a cell index `x * Y + y`, or `UNKNOWN`. Axes: E scenes, N agents, K things.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

UNKNOWN = -1


@dataclass
class Beliefs:
    """First and second order.

    Attributes:
        place: `[E,N,K]` where agent n believes thing k to be.
        others: `[E,N,N,K]` where agent n believes that agent m believes it to be; the diagonal is `place`.
    """

    place: Int[Tensor, "E N K"]
    others: Int[Tensor, "E N N K"]

    @staticmethod
    def at_start(place: Int[Tensor, "E K"], known: Bool[Tensor, "E N K"]) -> "Beliefs":
        """Who knows, knows the truth, and who knows what is known: knowledge is common at the start."""
        own = torch.where(known, place[:, None], UNKNOWN)
        both = known[:, :, None] & known[:, None]
        return Beliefs(own, torch.where(both, place[:, None, None], UNKNOWN))

    def expected(self, meets: Int[Tensor, "E N"]) -> Int[Tensor, "E N K"]:
        """Where n will look for k: where it believes it to be, or, if it goes to meet somebody, where it thinks that
        `meets[n]` believes it to be."""
        theirs = self.others.gather(2, meets.clamp(min=0)[..., None, None].expand_as(self.others[:, :, :1]))[:, :, 0]
        return torch.where(meets[..., None] >= 0, theirs, self.place)

    def update(
        self,
        place: Int[Tensor, "E K"],
        noticed: Bool[Tensor, "E N K"],
        visible: Bool[Tensor, "E N K"],
        watched: Bool[Tensor, "E N N"],
    ) -> "Beliefs":
        """Beliefs after a frame.

        Args:
            place: where things are now.
            noticed: n takes in where k is.
            visible: it was there to be seen for n.
            watched: n sees m, and takes in where it looks.

        Whoever takes in where a thing is credits it to those whom it sees and for whom it was to be seen; of others,
        and of what it missed itself, its picture stays as it was.
        """
        own = torch.where(noticed, place[:, None], self.place)
        credited = noticed[:, :, None] & watched[..., None] & visible[:, None]
        others = torch.where(credited, place[:, None, None], self.others)
        me = torch.eye(own.shape[1], dtype=torch.bool, device=own.device)[None, :, :, None]
        return Beliefs(own, torch.where(me, own[:, :, None], others))
