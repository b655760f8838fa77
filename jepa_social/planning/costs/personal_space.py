"""Room that people keep round themselves."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.costs.base import worst_of
from jepa_social.planning.imagined import Imagined


class PersonalSpace:
    """Time spent nearer than `distance` (m, centre to centre) to somebody, by depth: Hall's (1966) personal space.

    The default is the 1.0 m of the personal-space compliance metric plus a little.
    """

    def __init__(self, distance: float = 1.1):
        self.distance = distance

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over steps of the deepest intrusion, 0 outside and 1 at the centre of somebody."""
        depth = (1.0 - imagined.distance / self.distance).clamp(min=0.0)
        return (worst_of(depth) * imagined.underway).mean(-1)
