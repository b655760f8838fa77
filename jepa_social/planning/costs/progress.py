"""Getting on."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Progress:
    """Distance still to go, averaged over the plan and relative to what full speed would cover.

    -1 for going straight to the goal at the preferred speed throughout is not reachable by averaging; standing still
    is 0.
    """

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of (distance to the goal then - now) / (speed * duration)."""
        left = (imagined.ego - imagined.goal[:, None, None]).norm(dim=-1)
        duration = imagined.dt * imagined.actions.shape[2]
        return (left[..., 1:] - left[..., :1]).mean(-1) / (imagined.speed * duration).view(-1, 1).clamp(min=1e-3)
