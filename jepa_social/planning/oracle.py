"""The oracle: the same planner, but under each plan it runs the simulator itself, hidden goals and traits included.

It is a ceiling, not a rival: what is missing to its row is what better prediction could still gain.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.geometry import distances, hold_last
from jepa_social.planning.dynamics import Dynamics, People, people_near
from jepa_social.planning.imagined import Sampled
from jepa_social.planning.mpc import MPC
from jepa_social.scene import Scene

KNOWN = 0.01
"""m, standard deviation with which the oracle tells positions."""


class Branchable(Protocol):
    """A world that can be run on from its present moment (see `worlds.world.World`).

    Attributes:
        dt: s between frames.
    """

    dt: float

    def branch(self, copies: int = 1, scenes: Sequence[int] | None = None) -> Any:
        """The same moment, each scene `copies` times in a row."""
        ...

    def step(self, action: Tensor) -> Scene:
        """Move the ego by one frame."""
        ...

    def scene(self, frames: int | None = None) -> Scene:
        """The last frames."""
        ...


class Simulated(Dynamics):
    """People move as `world` moves them under each plan.

    Args:
        world: whose present moment is the one to plan in; it is branched, never moved.
        reactive: whether people may react to the plan; if not they go on as if nobody saw the ego any more.
    """

    def __init__(self, world: Branchable, reactive: bool = True):
        self.world, self.dt, self.reactive = world, world.dt, reactive
        self.scenes: list[int] = []

    def prepare(self, scene: Scene, near: int) -> People:
        """The nearest people, found again in the world by where they are."""
        people = people_near(scene, near)
        now = self.world.branch(1, self.scenes).scene(1)
        away = distances(people.position.double(), now.position[:, :, -1].double())
        away = away.masked_fill(~now.present[:, None, :, -1], torch.inf)
        away[:, :, 0] = torch.inf  # the ego is nobody's match
        self.slot = away.argmin(-1)
        off = away.gather(2, self.slot[..., None])[..., 0]
        if bool((off[people.exists] > 1e-2).any()):
            raise ValueError("the oracle plans for the moment its world is in: the scene shows people elsewhere")
        return people

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Every plan in a branch of its own, or all in one where people cannot see the ego or may not react to it."""
        if self.reactive and self._seen():
            return self._run(actions, people)
        return self.absent(people, actions.shape[2], dt)[:, None]

    def sample(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor, draws: int) -> Sampled:
        """There is one future and it is known."""
        position = self.roll(people, actions, dt)[:, :, None]
        return Sampled(position, torch.full_like(position[..., 1:, 0], KNOWN))

    def absent(self, people: People, horizon: int, dt: Tensor) -> Float[Tensor, "B K T 2"]:
        """A branch in which nobody sees the ego; run once per decision."""
        if people.unhindered is None or people.unhindered.shape[2] != horizon + 1:
            still = people.position.new_zeros(len(people.position), 1, horizon, 2)
            people.unhindered = self._run(still, people, hidden=True)[:, 0]
        return people.unhindered

    def _seen(self) -> bool:
        return bool(getattr(self.world, "visible", False))

    def _run(self, actions: Tensor, people: People, hidden: bool = False) -> Tensor:
        plans, horizon = actions.shape[1:3]
        fan = self.world.branch(plans, self.scenes)
        hide = getattr(fan, "hide_ego", None)
        if hidden and hide is not None:
            hide(torch.ones(len(actions) * plans, dtype=torch.bool))
        for step in range(horizon):
            fan.step(actions[:, :, step].flatten(0, 1))
        run = fan.scene(horizon + 1)
        slot = self.slot.repeat_interleave(plans, 0)[..., None].expand(-1, -1, horizon + 1)
        there = run.present.gather(1, slot)
        place = run.position.gather(1, slot[..., None].expand(-1, -1, -1, 2))
        index = torch.arange(horizon + 1).expand_as(slot)
        last = hold_last(index, there, dim=2)[0]  # who leaves stays where he was last seen
        place = place.gather(2, last[..., None].expand_as(place)).to(people.position)
        return place.unflatten(0, (len(actions), plans))


class Oracle:
    """MPC with `Simulated` people, in the world in which it is walking.

    Args:
        planner: MPC with `Simulated` dynamics.
    """

    def __init__(self, planner: MPC):
        if not isinstance(planner.dynamics, Simulated):
            raise ValueError("an oracle plans with Simulated dynamics: build it with oracle_planner")
        self.planner, self.dynamics, self.name = planner, planner.dynamics, planner.name
        self.scenes: Tensor | None = None

    def reset(self) -> None:
        """Forget the last plan; all scenes of the world go on."""
        self.planner.reset()
        self.scenes = None

    def keep(self, mask: Tensor) -> None:
        """Go on with only the scenes of the batch where `mask [B]` is true."""
        self.planner.keep(mask)
        if self.scenes is not None:
            self.scenes = self.scenes[mask.cpu()]

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame.

        Raises:
            ValueError: the scene is not what the world shows now.
        """
        if self.scenes is None:
            self.scenes = torch.arange(len(scene.ego))
        self.dynamics.scenes = self.scenes.tolist()
        return self.planner.act(scene)
