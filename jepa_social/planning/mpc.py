"""Model-predictive control: the planner, and with other dynamics its most important baseline."""

from time import perf_counter

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.history import looked_at
from jepa_social.planning.costs import Cost
from jepa_social.planning.dynamics import Dynamics
from jepa_social.planning.outlook import Outlook
from jepa_social.planning.plans import Plans, axes_toward
from jepa_social.planning.prior import Prior
from jepa_social.planning.solvers import Solver
from jepa_social.scene import Scene
from jepa_social.worlds.route import Route

ASIDE = (0.4, -0.4, 0.8, -0.8, 1.2, -1.2, 1.8, -1.8)
"""rad from the direction of the goal at which arcs and detours set out."""


class MPC:
    """Plans a few velocity knots over the horizon at every decision and executes the first command.

    A plan is `knots` velocities (see `Plans`) in the frame whose x axis points to the goal (or the next `waypoint`
    round walls). The last plan, as much later as time has passed, is the next mean; stopping, keeping course, all
    directions and ways round to the goal are always among the candidates, and what else the solver handed on, as much
    later. The horizon is long enough to see a crowd close in before the ego is in the middle of it.

    Args:
        name: row label in tables.
        dynamics: how people move.
        cost: what a good plan is.
        solver: finds it.
        horizon: s ahead, in steps of the dynamics.
        knots: free velocities of a plan.
        near: people considered, the nearest ones.
        seen: people whom the dynamics may look at, the nearest ones.
        spread: initial standard deviation of a knot, in units of the preferred speed.
        deadline_ms: ms that a decision may take; the solver then answers with its best by that time. None: as long as
            it takes, and the same answer always.
        prior: its plan is a candidate too. None: nobody is asked.
        lead: the prior's plan is the mean, its spread (no wider than `spread`) the spread; the last plan is a
            candidate.

    Raises:
        ValueError: settings that cannot work, or a prior of other plans.
    """

    def __init__(
        self,
        name: str,
        dynamics: Dynamics,
        cost: Cost,
        solver: Solver,
        horizon: float = 5.0,
        knots: int = 5,
        near: int = 20,
        seen: int = 24,
        spread: float = 0.5,
        seed: int = 0,
        deadline_ms: float | None = None,
        prior: Prior | None = None,
        lead: bool = False,
    ):
        self.plans = Plans.lasting(horizon, dynamics.dt, knots)
        if prior is not None and (prior.plans.knots, prior.plans.horizon) != (knots, self.plans.horizon):
            raise ValueError(
                f"the prior tells {prior.plans.knots} knots over {prior.plans.horizon} steps, planner.mpc has {knots} "
                f"over {self.plans.horizon}: clone again with these settings, or plan with those"
            )
        if deadline_ms is not None and deadline_ms <= 0:
            raise ValueError(f"planner.mpc.deadline_ms={deadline_ms} must be positive, or null")
        self.name, self.dynamics, self.cost, self.solver = name, dynamics, cost, solver
        self.near, self.seen = near, seen
        self.spread, self.seed, self.deadline_ms = spread, seed, deadline_ms
        self.prior, self.lead = prior, lead
        self.reset()

    def reset(self) -> None:
        """Forget the last plan."""
        self.plan: Tensor | None = None
        self.decisions = 0

    def keep(self, mask: Tensor) -> None:
        """Go on with only the scenes of the batch where `mask [B]` is true."""
        if self.plan is not None:
            self.plan = self.plan[mask]

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame."""
        began = perf_counter()
        differentiable = self.solver.gradients  # tensors of inference mode can never be differentiated through
        with torch.inference_mode(not differentiable), torch.no_grad():
            return self._decide(scene.clone() if differentiable else scene, began)

    def _decide(self, scene: Scene, began: float) -> Tensor:
        refuse_unplannable(scene, self.plan)
        passed = float(scene.dt[0]) / self.dynamics.dt
        scene = looked_at(scene, self.dynamics.dt, 1 + self.seen)
        goal, speed = scene.goal, scene.speed
        assert goal is not None
        assert speed is not None
        here, velocity, radius = scene.position[:, 0, -1], scene.velocity[:, 0, -1], scene.radius[:, 0]
        route = None if scene.walls is None or not scene.walls.shape[1] else Route(goal, scene.walls, radius)
        aim = goal if route is None else route.waypoint(here)
        in_sight = (aim == goal).all(-1)
        axes = axes_toward(here, aim)
        people = self.dynamics.prepare(scene, self.near)
        outlook = Outlook(self.dynamics, people, scene, aim, route)

        def judge(plans: Float[Tensor, "B S P"]) -> Float[Tensor, "B S"]:
            return self.cost(outlook(self.plans.actions(plans, axes, speed)))

        left = torch.where(in_sight, (goal - here).norm(dim=-1), torch.inf)
        guesses = self._guesses(velocity, axes, speed, left, scene.dt)
        if self.plan is None:
            mean = guesses[:, 0]
        else:
            later = self.plans.nearest(self._later(passed), axes, speed)
            mean, guesses = later[:, 0], torch.cat((guesses, later[:, 1:]), dim=1)
        std = torch.full_like(mean, self.spread)
        if self.prior is not None:
            assert people.anchor is not None, "a prior reads latents: it goes with Imagination"
            advice, doubt = self.prior(people.anchor, aim, speed)
            guesses = torch.cat((guesses, advice[:, None]), dim=1)
            if self.lead:
                guesses = torch.cat((guesses, mean[:, None]), dim=1)
                mean, std = advice, torch.minimum(doubt, std)
        left_s = None if self.deadline_ms is None else max(0.0, self.deadline_ms / 1e3 - (perf_counter() - began))
        found = self.solver.solve(judge, mean, std, guesses, self.seed + self.decisions, left_s)
        self.plan = self.plans.actions(found, axes, speed)
        self.decisions += 1
        return self.plan[:, 0, 0]

    def _later(self, steps: float) -> Tensor:
        """The last plans `[B,E,H,2]`, `steps` (of the dynamics' dt) later, their ends repeated."""
        assert self.plan is not None
        place = (torch.arange(self.plans.horizon, device=self.plan.device) + steps).clamp(max=self.plans.horizon - 1)
        low = place.floor().long()
        high = (low + 1).clamp(max=self.plans.horizon - 1)
        return torch.lerp(self.plan[:, :, low], self.plan[:, :, high], (place - low)[:, None])

    def _guesses(self, velocity: Tensor, axes: Tensor, speed: Tensor, left: Tensor, dt: Tensor) -> Tensor:
        """Candidates that are always judged, `[B,G,P]`: every direction, stop, half speed, arrive, keep course, arcs
        that lead to the goal, and detours that begin sideways and end in the direction of the goal."""
        batch = velocity.shape[0]
        round_about = _directions(12).to(velocity)
        slow = torch.tensor([[0.0, 0.0], [0.5, 0.0]], device=velocity.device)
        arrive = (left / (speed * dt).clamp(min=1e-3)).clamp(max=1.0)
        arrive = torch.stack((arrive, torch.zeros_like(arrive)), dim=-1)[:, None]
        keep = (torch.einsum("be,bde->bd", velocity, axes) / speed[:, None].clamp(min=1e-3))[:, None]
        steady = torch.cat((torch.cat((round_about, slow)).expand(batch, -1, -1), arrive, keep), dim=1)

        # an arc that leaves at an angle to its chord arrives at the opposite one
        share = torch.arange(self.plans.knots, device=velocity.device) / (self.plans.knots - 1)
        aside = torch.tensor(ASIDE, device=velocity.device)
        length = left[:, None] * aside / aside.sin()
        passed = (self.plans.horizon * dt * speed)[:, None, None] * share / length[..., None].clamp(min=1e-3)
        turn = aside[:, None] * (1.0 - 2.0 * passed)
        arcs = torch.stack((turn.cos(), turn.sin()), dim=-1).flatten(2)
        turn = aside[:, None] * (share < 0.5)
        detours = torch.stack((turn.cos(), turn.sin()), dim=-1).flatten(1).expand(batch, -1, -1)
        return torch.cat((steady.repeat(1, 1, self.plans.knots), arcs, detours), dim=1)


def _directions(number: int) -> Tensor:
    """Unit vectors all round, the first along x: `[number,2]`."""
    angle = torch.arange(number) * (2 * torch.pi / number)
    return torch.stack((angle.cos(), angle.sin()), dim=-1)


def refuse_unplannable(scene: Scene, plan: Tensor | None) -> None:
    """Raise ValueError where there is no ego to plan for, or `plan` `[B,...]` is another batch's."""
    if not len(scene.ego):
        raise ValueError("the batch holds no scene: there is nobody to plan for")
    if bool((scene.ego < 0).any()):
        raise ValueError("planning needs scene.ego: give Scene.from_arrays the ego's index")
    if scene.goal is None or scene.speed is None:
        raise ValueError("planning needs scene.goal and scene.speed: give both to Scene.from_arrays")
    here = scene.present[torch.arange(len(scene.ego), device=scene.ego.device), scene.ego, -1]
    if not bool(here.all()):
        lost = int((~here).nonzero()[0, 0])
        raise ValueError(f"the ego of scene {lost} is not present in the last frame: planning starts where it is now")
    if plan is not None and len(plan) != len(scene.ego):
        raise ValueError(
            f"the last call had {len(plan)} scenes, this one has {len(scene.ego)}: reset() before other episodes, "
            "keep(mask) to drop some"
        )
