"""A culture of walking: on which side people pass somebody who comes towards them.

Who keeps to the right (or left) turns aside early, before there is anything to avoid; who meets a person of the other
culture steps to where that person steps too. Pedestrians have such sides, and countries differ in theirs (Moussaïd et
al. 2009). Avoidance proper is left to ORCA or social forces, which know no side.
"""

from jaxtyping import Bool, Float
from torch import Tensor

AHEAD = 5.0
"""s before they would meet within which people turn aside, fully in the nearer half of it."""

ROOM = 1.0
"""m between two courses (centres) from which on nobody turns aside any more."""


def turn_aside(
    position: Float[Tensor, "E N 2"],
    velocity: Float[Tensor, "E N 2"],
    side: Float[Tensor, "E N"],
    seen: Bool[Tensor, "E N"],
) -> Float[Tensor, "E N"]:
    """By how much (rad, to the left above 0) everybody turns for who comes towards them: `side`, or a share of it.

    The share depends smoothly on when and by how much the two would miss each other and on how opposite their courses
    are; whom it takes the most to pass counts. A mirrored scene with mirrored sides gives mirrored turns.

    Args:
        position, velocity: m and m/s, at present.
        side: rad; 0: that person never turns.
        seen: whom people notice.
    """
    offset = position[:, None] - position[:, :, None]
    closing = velocity[:, None] - velocity[:, :, None]
    speed = closing.square().sum(-1).clamp(min=1e-9)
    when = -(offset * closing).sum(-1) / speed
    passed = (closing[..., 1] * offset[..., 0] - closing[..., 0] * offset[..., 1]) / speed.sqrt()  # on my left above 0
    wrong = passed * side.sign()[..., None] / ROOM  # -1: with all that room on the side preferred, 1: on the other
    course = velocity / velocity.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    opposite = -(course[:, :, None] * course[:, None]).sum(-1)
    share = (2 * opposite).clamp(0, 1) * (2 - 2 * when / AHEAD).clamp(0, 1) * (when > 0) * seen[:, None]
    share = share * (1 + wrong).clamp(0, 1) * (2 - 2 * wrong).clamp(0, 1)
    return side * share.amax(-1)
