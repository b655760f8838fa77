"""The one signature of all objectives.

loss = mean over mask of error(prediction, target)  +  weight * regulariser(prediction, latents, mask, moves)
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from jepa_social.models.latents import Latents
from jepa_social.models.objectives.gathered import masked_mean
from jepa_social.models.poses import facing, local


@dataclass
class Terms:
    """Terms of a loss: `total = prediction + weight * regulariser`, and `extra` scalars to log of what was added."""

    total: Tensor
    prediction: Tensor
    regulariser: Tensor
    extra: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Moves:
    """Consecutive latents of an agent and the action between them.

    Attributes:
        before, after: latents at t and t + 1.
        action: m/s, velocity from t to t + 1 in the agent's own frame at t: what it would have been told as an ego.
    """

    before: Float[Tensor, "P D"]
    after: Float[Tensor, "P D"]
    action: Float[Tensor, "P 2"]

    @staticmethod
    def of(latents: Latents) -> "Moves":
        """All moves in `latents` of agents that have a frame of their own (any of them can be the ego)."""
        scene, state = latents.scene, latents.state
        known = latents.oriented[..., :-1] & scene.present[..., 1:]
        ahead = facing(scene.heading, latents.oriented)[..., :-1, :]
        action = local(scene.velocity[..., 1:, :], ahead)
        return Moves(state[..., :-1, :][known], state[..., 1:, :][known], action[known])


class Objective(nn.Module):
    """Holds predictions against targets. A subclass says how (`error`) and what forbids collapse (`penalty`).

    Parameters of an objective (heads) are trained with the model and are no part of it.

    Attributes:
        momentum: share of the old target encoder kept at each step, or None: targets come from the encoder itself.
        predicts: what `target` is: latents `[...,D]`, or states `[...,4]` (see `own_states`).
        needs_moves: whether `moves` must be given.

    Args:
        weight: of the regulariser; 0 switches it off.
    """

    momentum: float | None = None
    predicts: Literal["latents", "states"] = "latents"
    needs_moves: bool = False

    def __init__(self, weight: float = 0.0):
        super().__init__()
        self.weight = weight

    def error(self, prediction: Float[Tensor, "... D"], target: Float[Tensor, "... E"]) -> Float[Tensor, "..."]:
        """Error of every prediction, not reduced; leading axes broadcast."""
        raise NotImplementedError

    def penalty(self, latents: Float[Tensor, "K D"]) -> Float[Tensor, ""]:
        """How far `latents` are from being spread as they should."""
        raise NotImplementedError

    def regulariser(
        self,
        prediction: Float[Tensor, "... D"],
        latents: Float[Tensor, "K D"],
        mask: Bool[Tensor, "..."],
        moves: Moves | None,
    ) -> Float[Tensor, ""]:
        """What is added to the prediction error, `weight` times."""
        return self.penalty(latents)

    def forward(
        self,
        prediction: Float[Tensor, "... D"],
        target: Float[Tensor, "... E"],
        latents: Float[Tensor, "K D"],
        mask: Bool[Tensor, "..."],
        moves: Moves | None = None,
    ) -> Terms:
        """The loss.

        Args:
            prediction: imagined latents.
            target: what they should tell (see `predicts`).
            latents: encoder latents of present agents, for the regulariser.
            mask: which predictions count.
            moves: where `needs_moves`.
        """
        loss = masked_mean(self.error(prediction, target), mask)
        if self.weight == 0:
            return Terms(loss, loss.detach(), torch.zeros_like(loss))
        value = self.regulariser(prediction, latents, mask, moves)
        return Terms(loss + self.weight * value, loss.detach(), value.detach())
