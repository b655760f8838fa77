"""The one interface that the planner and every baseline share."""

from typing import Protocol

from torch import Tensor

from jepa_social.scene import Scene


class Policy(Protocol):
    """Maps what was seen to the ego's velocity command.

    Attributes:
        name: row label in tables.
    """

    name: str

    def reset(self) -> None:
        """Forget everything: new episodes begin."""
        ...

    def act(self, scene: Scene) -> Tensor:
        """Velocity command `[B,2]` m/s, world frame, for the next frame of `scene.dt` s.

        `scene` holds the last frames of each episode with its `ego`, `goal` and `speed`.
        """
        ...
