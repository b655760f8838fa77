"""Standing in other people's way."""

from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class Imposition:
    """How far people are moved from where they would be if the ego were not there: a counterfactual of the dynamics.

    The baseline is the ego's absence and not an unknown plan: who expects it to keep going already makes room. The
    idea is the influence of one agent on others' behaviour against a counterfactual action (Jaques et al. 2019, "Social
    influence"), here a burden. Dynamics that do not react to plans give every plan the same, constant velocity 0.

    Args:
        distance: m by which one person, moved all the time, costs 1.
    """

    def __init__(self, distance: float = 0.5):
        self.distance = distance

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Sum over people of their mean displacement, relative to `distance`."""
        return (displaced(imagined).sum(-1) / self.distance).expand(imagined.actions.shape[:2])


def displaced(imagined: Imagined) -> Float[Tensor, "B R K"]:
    """Mean distance (m) over time of each person from where it would be if the ego were not there."""
    moved = (imagined.people - imagined.absent()[:, None])[..., 1:, :].norm(dim=-1).mean(-1)
    return moved * imagined.exists[:, None]
