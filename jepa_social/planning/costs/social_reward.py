"""What others will think of a plan, as far as the ego can tell."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import distances
from jepa_social.planning.costs.imposition import displaced
from jepa_social.planning.imagined import Imagined


class SocialReward:
    """Expected disapproval: how far each person is moved from where it would be without the ego, times how much it
    minds (`mind.regard`). A reward from inside, its sign turned: it moves only as the ego's picture of people does.

    Until somebody says what people are like, all mind as those of the logs did; then it is `Imposition`.

    Args:
        distance: m by which one such person, moved all the time, costs 1.
    """

    def __init__(self, distance: float = 0.5):
        self.distance = distance
        self.place: Tensor | None = None
        self.regard: Tensor | None = None

    def believe(self, place: Float[Tensor, "B N 2"], regard: Float[Tensor, "B N"]) -> None:
        """From now on, people who are at `place` (m) mind so much."""
        self.place, self.regard = place, regard

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over people of their mean displacement, weighted, relative to `distance`."""
        moved = displaced(imagined)
        if self.place is not None and self.regard is not None:
            slot = distances(imagined.people[:, 0, :, 0], self.place).argmin(-1)
            moved = moved * self.regard.gather(1, slot)[:, None]
        return (moved.sum(-1) / self.distance).expand(imagined.actions.shape[:2])
