"""How a planner expects people to move: with the world model, or by extrapolation."""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.latents import Anchor
from jepa_social.scene import KINDS, Scene


@dataclass
class People:
    """The K people nearest to the ego, with what is needed to roll them forward.

    Attributes:
        exists: which of the K are real.
        position: m, velocity: m/s, radius: m, at present.
        anchor: latents and poses of [ego, people...], or None where the dynamics need none.
        foreseen: their rollout with no plan known, kept from one set of plans to the next.
    """

    exists: Bool[Tensor, "B K"]
    position: Float[Tensor, "B K 2"]
    velocity: Float[Tensor, "B K 2"]
    radius: Float[Tensor, "B K"]
    anchor: Anchor | None = None
    foreseen: Tensor | None = None


class Dynamics(Protocol):
    """Expected motion of people under the ego's plans.

    Attributes:
        dt: s between imagined frames.
    """

    dt: float

    def prepare(self, scene: Scene, near: int) -> People:
        """What is done once per decision; `scene` has the ego first, the nearest next (see `Scene.nearest`)."""
        ...

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Positions (m) of people, the present ones first; R is S if they depend on the plan, else 1."""
        ...


def people_near(scene: Scene, near: int) -> People:
    """The first `near` agents after the ego (see `Dynamics.prepare`; fewer if there are fewer)."""
    slots = slice(1, 1 + near)
    return People(
        scene.present[:, slots, -1], scene.position[:, slots, -1], scene.velocity[:, slots, -1], scene.radius[:, slots]
    )


class ConstantVelocity:
    """Everybody keeps the last velocity, whatever the ego does.

    Args:
        dt: s between imagined frames.
    """

    def __init__(self, dt: float):
        self.dt = dt

    def prepare(self, scene: Scene, near: int) -> People:
        """Pick the nearest."""
        return people_near(scene, near)

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Straight lines, the same for all plans."""
        steps = torch.arange(actions.shape[2] + 1, device=actions.device).view(1, 1, -1, 1)
        path = people.position[:, :, None] + steps * dt.view(-1, 1, 1, 1) * people.velocity[:, :, None]
        return path[:, None]


class Imagination:
    """The world model: encode once per decision, then latent rollouts under each plan, read out as positions.

    Args:
        world_model: frozen.
        reactive: whether people may react to the plan; if not they are imagined once, as in forecasting.
        ego_kind: what people take the ego for, one of `scene.KINDS`; None: what the scene says.
    """

    def __init__(self, world_model: WorldModel, reactive: bool = True, ego_kind: str | None = None):
        if ego_kind is not None and ego_kind not in KINDS:
            raise ValueError(f"planner.ego_kind={ego_kind} must be one of {KINDS}")
        self.world_model, self.reactive, self.ego_kind = world_model.eval(), reactive, ego_kind
        self.dt = world_model.dt

    @torch.no_grad()
    def prepare(self, scene: Scene, near: int) -> People:
        """Encode all agents, keep the ego and the nearest."""
        people = people_near(scene, near)
        if self.ego_kind is not None:
            scene = scene.clone(False)
            scene.kind = scene.kind.scatter(1, scene.ego[:, None], KINDS.index(self.ego_kind))
        anchor = self.world_model.jepa.encode(scene).at()
        batch, kept = scene.ego.shape[0], min(1 + near, scene.agents)
        people.anchor = anchor.select(torch.arange(kept, device=scene.ego.device).expand(batch, -1))
        return people

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Imagined latents, then positions from the readout; differentiable in `actions` where gradients are on."""
        anchor = people.anchor
        assert anchor is not None, "prepare() comes first"
        jepa, horizon = self.world_model.jepa, actions.shape[2]
        if people.foreseen is None or people.foreseen.shape[2] != horizon:
            with torch.no_grad():  # no plan changes it
                people.foreseen = jepa.foresee(anchor, horizon)
        imagined = jepa.imagine(anchor, actions if self.reactive else None, horizon, people.foreseen)
        batch, agents = anchor.present.shape
        others = anchor.select(torch.arange(1, agents, device=actions.device).expand(batch, -1))
        future = self.world_model.motion(others, imagined[:, :, 1:]).position
        now = anchor.position[:, None, 1:, None].expand(-1, future.shape[1], -1, -1, -1)
        return torch.cat((now, future), dim=3)
