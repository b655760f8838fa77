"""Plans: a few velocity knots that stand for the commands of a whole horizon."""

import torch
from jaxtyping import Float
from torch import Tensor


class Plans:
    """`knots` velocities in units of the preferred speed, joined linearly over `horizon` steps, flat: P = 2 * knots.

    They are told in the frame whose x axis points to where the ego aims (`axes_toward`), and commands are cut to the
    preferred speed.

    Raises:
        ValueError: fewer than two knots, or more than steps.
    """

    def __init__(self, knots: int, horizon: int):
        if not 2 <= knots <= horizon:
            raise ValueError(
                f"planner.mpc.knots={knots} must lie between 2 and the {horizon} steps of planner.mpc.horizon"
            )
        self.knots, self.horizon = knots, horizon
        place = torch.linspace(0, knots - 1, horizon)
        self.basis = (1.0 - (place[:, None] - torch.arange(knots)).abs()).clamp(min=0.0)
        self.inverse = torch.linalg.pinv(self.basis)

    @classmethod
    def lasting(cls, seconds: float, dt: float, knots: int) -> "Plans":
        """As many steps of `dt` s as fit into `seconds`."""
        return cls(knots, int(seconds / dt + 1e-4))

    def actions(
        self, plans: Float[Tensor, "B S P"], axes: Float[Tensor, "B 2 2"], speed: Float[Tensor, "B"]
    ) -> Float[Tensor, "B S H 2"]:
        """Commands, m/s, world frame."""
        knots = plans.unflatten(-1, (self.knots, 2))
        local = torch.einsum("hk,bskd->bshd", self.basis.to(plans), knots)
        local = local / local.norm(dim=-1, keepdim=True).clamp(min=1.0)
        return torch.einsum("bshd,bde->bshe", local, axes) * speed.view(-1, 1, 1, 1)

    def nearest(
        self, actions: Float[Tensor, "B S H 2"], axes: Float[Tensor, "B 2 2"], speed: Float[Tensor, "B"]
    ) -> Float[Tensor, "B S P"]:
        """The plans nearest to commands (m/s, world frame), in the sense of least squares."""
        local = torch.einsum("bshe,bde->bshd", actions, axes) / speed.view(-1, 1, 1, 1).clamp(min=1e-3)
        return torch.einsum("kh,bshd->bskd", self.inverse.to(actions), local).flatten(2)


def axes_toward(here: Float[Tensor, "B 2"], aim: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2 2"]:
    """Rows: unit vectors from `here` to `aim` and to the left of that, world frame; zeros where both are one."""
    toward = torch.nn.functional.normalize(aim - here, dim=-1)
    return torch.stack((toward, torch.stack((-toward[:, 1], toward[:, 0]), dim=-1)), dim=1)
