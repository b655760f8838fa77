"""One planner that walks many lives side by side, each with what it has learned."""

from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.mind.motion import MotionReadout
from jepa_social.planning.mpc import MPC
from jepa_social.scene import Scene


class Taught:
    """A planner whose scenes are lives: scene b is imagined with what life b has learned (see `mind.lessons`).

    Args:
        planner: acts; it imagines with `readout`.
        readout: is told what was learned.
        learned: of all lives; a batch has one scene for each.
    """

    def __init__(self, planner: MPC, readout: MotionReadout, learned: Float[Tensor, "L 3 F"]):
        self.name, self.planner, self.readout, self.learned = planner.name, planner, readout, learned

    def reset(self) -> None:
        """All lives walk again."""
        self.planner.reset()
        self.readout.learned = self.learned

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s."""
        return self.planner.act(scene)

    def keep(self, mask: Bool[Tensor, "B"]) -> None:
        """Go on with only the lives of the batch where `mask` is true."""
        self.planner.keep(mask)
        if self.readout.learned is not None:
            self.readout.learned = self.readout.learned[mask]
