"""Walking between people who belong together."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import closest_on_segment, distances
from jepa_social.planning.imagined import Imagined


class GroupSplitting:
    """Crossing the space between two people who walk, or stand, together.

    Walking pairs are told by what Moussaïd et al. (2010, "The walking behaviour of pedestrian social groups") saw: they
    keep abreast within talking distance at one velocity. Those who stand within it are taken for an F-formation, whose
    inner space is theirs (Kendon 1990). Who belongs together is observed once, and holds for the future.

    Args:
        gap: m between the centres of a pair at most.
        drift: m/s between their velocities at most.
        width: m beside the line between them where it costs nothing any more.
    """

    def __init__(self, gap: float = 1.8, drift: float = 0.4, width: float = 0.5):
        self.gap, self.drift, self.width = gap, drift, width

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """The deepest moment: 1 in the middle of a pair, 0 in the place of either and beside both."""
        first, second = torch.triu_indices(*(2 * [imagined.exists.shape[1]]), offset=1, device=imagined.ego.device)
        if not len(first):
            return imagined.ego.new_zeros(imagined.actions.shape[:2])
        ego, people = _twice_as_often(imagined.ego)[:, :, None], _twice_as_often(imagined.people)
        one, other = people[:, :, first], people[:, :, second]
        nearest = closest_on_segment(ego, one, other)
        length = (other - one).norm(dim=-1).clamp(min=1e-6)
        share = (nearest - one).norm(dim=-1) / length
        depth = 4.0 * share * (1.0 - share) * (1.0 - (nearest - ego).norm(dim=-1) / self.width).clamp(min=0.0)
        together = self.pairs(imagined)[:, first, second]
        return (depth.amax(-1) * together[:, None]).amax(-1)

    def pairs(self, imagined: Imagined) -> Bool[Tensor, "B K K"]:
        """Who belongs with whom, as observed at present."""
        apart = distances(imagined.people[:, 0, :, 0], imagined.people[:, 0, :, 0])
        drift = distances(imagined.people_velocity, imagined.people_velocity)
        both = imagined.exists[:, :, None] & imagined.exists[:, None]
        return both & (apart < self.gap) & (drift < self.drift)


def _twice_as_often(path: Tensor) -> Tensor:
    """A path `[...,H+1,2]` with the middles of its steps, so that nobody slips through between two frames."""
    middle = 0.5 * (path[..., :-1, :] + path[..., 1:, :])
    return torch.cat((path, middle), dim=-2)
