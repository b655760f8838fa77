"""How a planner expects people to move: with the world model, or by extrapolation."""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.mind.motion import Motion, spread
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.intents import draw_intents
from jepa_social.models.latents import Anchor
from jepa_social.planning.imagined import Human, Sampled
from jepa_social.scene import KINDS, Scene


@dataclass
class People:
    """The K people nearest to the ego, with what is needed to roll them forward.

    Attributes:
        exists: which of the K are real.
        position: m, velocity: m/s, radius: m, at present.
        scene: that they are picked from, the ego first.
        anchor: latents and poses of [ego, people...], or None where the dynamics need none.
        foreseen: their rollout with no plan known, kept from one set of plans to the next.
        expected: where it takes them, the present positions first, m; kept likewise.
        unhindered: where they would be if the ego were not there, kept likewise.
    """

    exists: Bool[Tensor, "B K"]
    position: Float[Tensor, "B K 2"]
    velocity: Float[Tensor, "B K 2"]
    radius: Float[Tensor, "B K"]
    scene: Scene
    anchor: Anchor | None = None
    foreseen: Tensor | None = None
    expected: Tensor | None = None
    unhindered: Tensor | None = None


class Dynamics(Protocol):
    """Expected motion of people under the ego's plans; what else costs may ask is, unless said otherwise, that nobody
    reacts or has intents and that the ego too keeps its velocity.

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

    def sample(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor, draws: int) -> Sampled:
        """Futures under `draws` joint intents (or the only one)."""
        position = self.roll(people, actions, dt)[:, :, None]
        scale = spread(_lag(actions.shape[2], dt))[:, None, None, None]
        return Sampled(position, scale.expand(*position.shape[:4], -1))

    def absent(self, people: People, horizon: int, dt: Tensor) -> Float[Tensor, "B K T 2"]:
        """Positions (m) of people if the ego were not there, the present ones first."""
        return self.roll(people, people.position.new_zeros(len(people.position), 1, horizon, 2), dt)[:, 0]

    def human(self, people: People, horizon: int, dt: Tensor) -> Human:
        """What people do in the ego's place, its goal unknown."""
        lag = _lag(horizon, dt)
        here, velocity = people.scene.position[:, :1, -1], people.scene.velocity[:, :1, -1]
        return Human(here + lag[..., None] * velocity, spread(lag))


def people_near(scene: Scene, near: int) -> People:
    """The first `near` agents after the ego (see `Dynamics.prepare`; fewer if there are fewer)."""
    slots = slice(1, 1 + near)
    now = (scene.present[:, slots, -1], scene.position[:, slots, -1], scene.velocity[:, slots, -1])
    return People(*now, scene.radius[:, slots], scene)


def _lag(horizon: int, dt: Tensor) -> Float[Tensor, "B H"]:
    return dt[:, None] * torch.arange(1, horizon + 1, device=dt.device)


class ConstantVelocity(Dynamics):
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


class Imagination(Dynamics):
    """The world model: encode once per decision, then latent rollouts under each plan, read out as positions.

    Args:
        world_model: frozen.
        reactive: whether people may react to the plan; if not they are imagined once, as in forecasting.
        ego_kind: what people take the ego for, one of `scene.KINDS`; None: what the scene says.
        every: what a plan changes is read at every so manieth step and at the last, and runs linearly in between; 1 is
            exact. Plans bend as seldom, and most of the time that a reaction takes is saved.
        until: s ahead as far as expected reactions are read; later they stay as large. Further than a model has seen
            what plans do to people it makes far too much of it. None: to the end of the plans.
    """

    def __init__(
        self,
        world_model: WorldModel,
        reactive: bool = True,
        ego_kind: str | None = None,
        every: int = 1,
        until: float | None = None,
    ):
        if ego_kind is not None and ego_kind not in KINDS:
            raise ValueError(f"planner.ego_kind={ego_kind} must be one of {KINDS}")
        if every < 1:
            raise ValueError(f"planner.react_every={every} must be at least 1")
        if until is not None and until < world_model.dt:
            raise ValueError(f"planner.react_until={until} must be at least a step of {world_model.dt} s, or null")
        self.world_model, self.reactive, self.ego_kind = world_model.eval(), reactive, ego_kind
        self.every, self.until = every, until
        self.dt = world_model.dt

    @torch.no_grad()
    def prepare(self, scene: Scene, near: int) -> People:
        """Encode all agents, keep the ego and the nearest."""
        if self.ego_kind is not None:
            scene = scene.clone(False)
            scene.kind = scene.kind.scatter(1, scene.ego[:, None], KINDS.index(self.ego_kind))
        people = people_near(scene, near)
        people.anchor = self._near(scene, 1 + near)
        return people

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Imagined latents, then positions from the readout; differentiable in `actions` where gradients are on."""
        if self.reactive and self.every == 1 and self.until is None:
            anchor, foreseen = self._foreseen(people, actions.shape[2])
            return _with_now(anchor, self._read(anchor, self._imagine(anchor, foreseen, actions)))
        expected = self._expected(people, actions.shape[2])
        return expected + self._change(people, expected, actions) if self.reactive else expected

    def sample(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor, draws: int) -> Sampled:
        """The plan's effect and the intents' are both worked out once; the same draws at every decision.

        What a plan changes of each draw, of its logarithmic scale too, is read where `roll` reads it.
        """
        jepa, horizon = self.world_model.jepa, actions.shape[2]
        anchor, foreseen = self._foreseen(people, horizon)
        code, calm = None, jepa.predictor.latents(foreseen)
        shift = torch.zeros_like(calm)
        if jepa.intents is not None:
            code = draw_intents(self.world_model.odds(anchor, foreseen), draws, torch.Generator().manual_seed(0))
            shift = jepa.intents(foreseen, code)
        motion = self._read(anchor, calm + shift, code)
        position, scale = _with_now(anchor, motion)[:, None], motion.scale[:, None]
        if not self.reactive:
            return Sampled(position, scale)
        steps = self._steps(actions)
        bent = jepa.predictor.react(anchor, foreseen, actions, steps)[:, :, None] + shift[:, None, ..., steps - 1, :]
        each = None if code is None else code[:, None].expand(*bent.shape[:-2]).flatten(1, 2)
        told = self._read(anchor, bent.flatten(1, 2), each, steps)
        weights, split = _between(steps, horizon).to(scale), (-1, bent.shape[2])
        change = told.position.unflatten(1, split) - position[..., steps, :]
        growth = (told.scale.unflatten(1, split) / scale[..., steps - 1]).log() @ weights[1:].T
        return Sampled(position + weights @ change, scale * growth.exp())

    @torch.no_grad()
    def absent(self, people: People, horizon: int, dt: Tensor) -> Float[Tensor, "B K T 2"]:
        """Everybody encoded anew without the ego in the last frame, as in logs of branches; once per decision."""
        if people.unhindered is None or people.unhindered.shape[2] != horizon + 1:
            scene = people.scene.clone(False)
            scene.present = scene.present.clone()
            scene.present[:, 0, -1] = False
            scene.ego = torch.full_like(scene.ego, -1)
            anchor = self._near(scene, 1 + people.exists.shape[1])
            motion = self._read(anchor, self.world_model.jepa.imagine(anchor, horizon=horizon))
            people.unhindered = _with_now(anchor, motion)[:, 0]
        return people.unhindered

    @torch.no_grad()
    def human(self, people: People, horizon: int, dt: Tensor) -> Human:
        """The forecast of the ego, as of anybody else: a policy cloned from the logs."""
        anchor, foreseen = self._foreseen(people, horizon)
        ego = anchor.select(torch.zeros_like(anchor.ego)[:, None])
        motion = self.world_model.motion(ego, self.world_model.jepa.predictor.latents(foreseen)[:, :, :1])
        return Human(motion.position[:, 0, 0], motion.scale[:, 0, 0])

    def _near(self, scene: Scene, agents: int) -> Anchor:
        """All encoded, the first `agents` kept."""
        kept = torch.arange(min(agents, scene.agents), device=scene.ego.device)
        return self.world_model.jepa.encode(scene).at().select(kept.expand(scene.ego.shape[0], -1))

    def _foreseen(self, people: People, horizon: int) -> tuple[Anchor, Tensor]:
        assert people.anchor is not None, "prepare() comes first"
        if people.foreseen is None or people.foreseen.shape[2] != horizon:
            with torch.no_grad():  # no plan changes it
                people.foreseen = self.world_model.jepa.foresee(people.anchor, horizon)
        return people.anchor, people.foreseen

    @torch.no_grad()
    def _expected(self, people: People, horizon: int) -> Float[Tensor, "B 1 K T 2"]:
        """Positions with nobody's plan known, the present ones first."""
        anchor, foreseen = self._foreseen(people, horizon)
        if people.expected is None or people.expected.shape[3] != horizon + 1:
            latents = self.world_model.jepa.imagine(anchor, horizon=horizon, foreseen=foreseen)
            people.expected = _with_now(anchor, self._read(anchor, latents))
        return people.expected

    def _change(self, people: People, expected: Tensor, actions: Tensor) -> Float[Tensor, "B S K T 2"]:
        """By how much (m) each plan moves people from where they are `expected`, nothing at present."""
        horizon = actions.shape[2]
        anchor, foreseen = self._foreseen(people, horizon)
        steps = self._steps(actions)
        imagined = self.world_model.jepa.predictor.react(anchor, foreseen, actions, steps)
        place = self._read(anchor, imagined, steps=steps).position
        return _between(steps, horizon).to(place) @ (place - expected[..., steps, :])

    def _steps(self, actions: Tensor) -> Int[Tensor, "J"]:
        """Those (from 1) at which reactions to plans are read."""
        horizon = actions.shape[2]
        last = horizon if self.until is None else min(horizon, int(self.until / self.dt + 1e-4))
        return torch.arange(self.every, last + self.every, self.every, device=actions.device).clamp(max=last)

    def _imagine(self, anchor: Anchor, foreseen: Tensor, actions: Tensor) -> Tensor:
        plans = actions if self.reactive else None
        return self.world_model.jepa.imagine(anchor, plans, actions.shape[2], foreseen)

    def _read(
        self, anchor: Anchor, imagined: Tensor, intent: Tensor | None = None, steps: Tensor | None = None
    ) -> Motion:
        """Motion of the people, the ego (agent 0) left out, at `steps` (None: at all)."""
        codes = None if intent is None else intent[:, :, 1:]
        return self.world_model.motion(_people(anchor), imagined[:, :, 1:], codes, steps)


def _people(anchor: Anchor) -> Anchor:
    """All but the ego, which comes first."""
    batch, agents = anchor.present.shape
    return anchor.select(torch.arange(1, agents, device=anchor.ego.device).expand(batch, -1))


def _with_now(anchor: Anchor, motion: Motion) -> Tensor:
    """Positions `[B,S,K,H+1,2]`, the present ones first."""
    future = motion.position
    now = anchor.position[:, None, 1:, None].expand(-1, future.shape[1], -1, -1, -1)
    return torch.cat((now, future), dim=3)


def _between(steps: Int[Tensor, "K"], horizon: int) -> Float[Tensor, "T K"]:
    """Weights that draw straight lines from 0 at the present through the values at `steps` (ascending), the last of
    which stays up to `horizon`."""
    every = torch.arange(horizon + 1, device=steps.device).clamp(max=int(steps[-1]))[:, None]
    before = torch.cat((steps.new_zeros(1), steps[:-1]))
    after = torch.cat((steps[1:], steps[-1:] + 1))
    rise, fall = (every - before) / (steps - before), (after - every) / (after - steps)
    return torch.minimum(rise, fall).clamp(0.0, 1.0)
