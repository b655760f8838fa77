"""The chance of touching somebody."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.imagined import Imagined


class CollisionProbability:
    """Probability of touching anybody, over intents and the error about each.

    Given everybody's intents a position is Gaussian, and a disc overlaps another with probability at most
    Phi((reach - distance) / scale) (Zhu and Alonso-Mora 2019, "Chance-constrained collision avoidance", lemma 1: the
    disc is replaced by the half-plane that touches it). Errors of different people are independent, those of one
    person at different steps are one error: the worst step counts.

    Args:
        draws: joint intents drawn, equally likely.
    """

    def __init__(self, draws: int = 8):
        self.draws = draws

    def __call__(self, imagined: Imagined) -> Float[Tensor, "B S"]:
        """Mean over intents."""
        sampled = imagined.sampled(self.draws)
        distance = (sampled.position[..., 1:, :] - imagined.ego[:, :, None, None, 1:]).norm(dim=-1)
        overlap = imagined.reach[:, None, None, :, None] - distance
        touch = torch.special.ndtr(overlap / sampled.scale).amax(-1) * imagined.exists[:, None, None]
        return 1.0 - (1.0 - touch).prod(-1).mean(-1)
