"""How a planner expects people to move: with the world model, or by extrapolation."""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.latents import Anchor
from jepa_social.scene import KINDS, Scene


@dataclass
class People:
    """The K people nearest to the ego, with what is needed to roll them forward.

    Attributes:
        index: their slots in the scene.
        exists: which of the K are real.
        anchor: latents and poses of [ego, people...], or None where the dynamics need none.
        foreseen: their rollout with no plan known, kept from one set of plans to the next.
    """

    index: Int[Tensor, "B K"]
    exists: Bool[Tensor, "B K"]
    position: Float[Tensor, "B K 2"]
    velocity: Float[Tensor, "B K 2"]
    anchor: Anchor | None = None
    foreseen: Tensor | None = None


class Dynamics(Protocol):
    """Expected motion of people under the ego's plans.

    Attributes:
        dt: s between imagined frames.
    """

    dt: float

    def prepare(self, scene: Scene, near: int) -> People:
        """What is done once per decision."""
        ...

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Positions (m) of people, the present ones first; R is S if they depend on the plan, else 1."""
        ...


def nearest(scene: Scene, near: int) -> People:
    """The `near` present agents closest to the ego (fewer if there are fewer)."""
    rows = torch.arange(scene.position.shape[0], device=scene.position.device)
    position, velocity = scene.position[:, :, -1], scene.velocity[:, :, -1]
    distance = (position - position[rows, scene.ego][:, None]).norm(dim=-1)
    distance = distance.masked_fill(~scene.present[:, :, -1], torch.inf)
    distance[rows, scene.ego] = torch.inf
    closest = distance.topk(min(near, scene.agents - 1), dim=1, largest=False)
    index = closest.indices
    exists = closest.values.isfinite()
    return People(index, exists, position[rows[:, None], index], velocity[rows[:, None], index])


class ConstantVelocity:
    """Everybody keeps the last velocity, whatever the ego does.

    Args:
        dt: s between imagined frames.
    """

    def __init__(self, dt: float):
        self.dt = dt

    def prepare(self, scene: Scene, near: int) -> People:
        """Pick the nearest."""
        return nearest(scene, near)

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

    @torch.inference_mode()
    def prepare(self, scene: Scene, near: int) -> People:
        """Encode all agents, keep the ego and the nearest."""
        people = nearest(scene, near)
        if self.ego_kind is not None:
            scene = scene.clone(False)
            scene.kind = scene.kind.scatter(1, scene.ego[:, None], KINDS.index(self.ego_kind))
        anchor = self.world_model.jepa.encode(scene).at()
        people.anchor = anchor.select(torch.cat((scene.ego[:, None], people.index), dim=1))
        people.anchor.present[:, 1:] &= people.exists  # an empty slot may point at anybody
        return people

    @torch.inference_mode()
    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Imagined latents, then positions from the readout."""
        anchor = people.anchor
        assert anchor is not None, "prepare() comes first"
        jepa, horizon = self.world_model.jepa, actions.shape[2]
        if people.foreseen is None or people.foreseen.shape[2] != horizon:
            people.foreseen = jepa.foresee(anchor, horizon)
        imagined = jepa.imagine(anchor, actions if self.reactive else None, horizon, people.foreseen)
        batch, agents = anchor.present.shape
        others = anchor.select(torch.arange(1, agents, device=actions.device).expand(batch, -1))
        future = self.world_model.motion(others, imagined[:, :, 1:])
        now = anchor.position[:, None, 1:, None].expand(-1, future.shape[1], -1, -1, -1)
        return torch.cat((now, future), dim=3)
