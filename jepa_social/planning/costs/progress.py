"""Getting on."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Progress:
    """Distance still to go, relative to what full speed would cover: averaged over the plan, and at its end.

    The average alone would rather stand before an obstacle than lose a metre on the way round it. Standing still is 0;
    -1 would be to be as far as the plan can get at once.

    Args:
        end: share of the distance at the end; the rest is the average's.
    """

    def __init__(self, end: float = 0.25):
        self.end = end

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Change of the distance / (speed * duration)."""
        gone = imagined.left[..., 1:] - imagined.left[..., :1]
        duration = imagined.dt * imagined.actions.shape[2]
        change = (1 - self.end) * gone.mean(-1) + self.end * gone[..., -1]
        return change / (imagined.speed * duration).view(-1, 1).clamp(min=1e-3)
