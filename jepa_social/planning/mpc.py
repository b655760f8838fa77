"""Model-predictive control: the planner, and with other dynamics its most important baseline."""

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.costs import Cost
from jepa_social.planning.dynamics import Dynamics
from jepa_social.planning.imagined import Imagined
from jepa_social.planning.solvers import CEM
from jepa_social.scene import Scene
from jepa_social.worlds.route import waypoint


class MPC:
    """Plans a few velocity knots over the horizon at every decision and executes the first command.

    A plan is `knots` velocities in units of the preferred speed, joined linearly over `horizon` steps, in the frame
    whose x axis points to the goal (or the next `waypoint` round walls); commands are cut to the preferred speed. The
    last plan, as much later as time has passed, is the next mean; "stop", "straight ahead", "keep course" and a fan of
    turns are always among the candidates.

    Args:
        name: row label in tables.
        dynamics: how people move.
        cost: what a good plan is.
        solver: finds it.
        horizon: steps ahead.
        knots: free velocities of a plan.
        near: people considered, the nearest ones.
        seen: people whom the dynamics may look at, the nearest ones.
        spread: initial standard deviation of a knot, in units of the preferred speed.
    """

    def __init__(
        self,
        name: str,
        dynamics: Dynamics,
        cost: Cost,
        solver: CEM,
        horizon: int = 12,
        knots: int = 3,
        near: int = 8,
        seen: int = 24,
        spread: float = 0.5,
        seed: int = 0,
    ):
        if not 2 <= knots <= horizon:
            raise ValueError(f"planner.knots={knots} must lie between 2 and planner.horizon={horizon}")
        self.name, self.dynamics, self.cost, self.solver = name, dynamics, cost, solver
        self.horizon, self.knots, self.near, self.seen = horizon, knots, near, seen
        self.spread, self.seed = spread, seed
        self.basis = _interpolation(knots, horizon)
        self.inverse = torch.linalg.pinv(self.basis)
        self.reset()

    def reset(self) -> None:
        """Forget the last plan."""
        self.plan: Tensor | None = None
        self.decisions = 0

    def keep(self, mask: Tensor) -> None:
        """Go on with only the scenes of the batch where `mask [B]` is true."""
        if self.plan is not None:
            self.plan = self.plan[mask]

    @torch.inference_mode()
    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame."""
        refuse_unplannable(scene, self.plan)
        passed = float(scene.dt[0]) / self.dynamics.dt
        scene = scene.resampled(self.dynamics.dt).nearest(1 + self.seen)
        goal, speed = scene.goal, scene.speed
        assert goal is not None
        assert speed is not None
        here, velocity, radius = scene.position[:, 0, -1], scene.velocity[:, 0, -1], scene.radius[:, 0]
        aim = waypoint(here, goal, scene.walls, radius)
        toward = torch.nn.functional.normalize(aim - here, dim=-1)
        axes = torch.stack((toward, torch.stack((-toward[:, 1], toward[:, 0]), dim=-1)), dim=1)
        people = self.dynamics.prepare(scene, self.near)
        reach = people.radius + radius[:, None]

        def judge(plans: Float[Tensor, "B S P"]) -> Float[Tensor, "B S"]:
            actions = self._actions(plans, axes, speed)
            start = here[:, None, None].expand(-1, actions.shape[1], 1, 2)
            moves = actions * scene.dt.view(-1, 1, 1, 1)
            ego = torch.cat((start, start + moves.cumsum(2)), dim=2)
            others = self.dynamics.roll(people, actions, scene.dt)
            return self.cost(
                Imagined(
                    actions=actions,
                    ego=ego,
                    people=others,
                    exists=people.exists,
                    reach=reach,
                    radius=radius,
                    velocity=velocity,
                    goal=aim,
                    speed=speed,
                    dt=scene.dt,
                    walls=scene.walls,
                )
            )

        in_sight = (aim == goal).all(-1)
        left = torch.where(in_sight, (goal - here).norm(dim=-1), torch.inf)
        guesses = self._guesses(velocity, axes, speed, left, scene.dt)
        mean = guesses[:, 1] if self.plan is None else self._local(self._later(passed), axes, speed).flatten(1)
        best = self.solver.solve(judge, mean, torch.full_like(mean, self.spread), guesses, self.seed + self.decisions)
        actions = self._actions(best[:, None], axes, speed)[:, 0]
        self.plan = actions
        self.decisions += 1
        return actions[:, 0]

    def _actions(self, plans: Tensor, axes: Tensor, speed: Tensor) -> Tensor:
        """Flat knots `[B,S,P]` to commands `[B,S,H,2]` m/s in the world."""
        knots = plans.unflatten(-1, (self.knots, 2))
        local = torch.einsum("hk,bskd->bshd", self.basis.to(plans), knots)
        local = local / local.norm(dim=-1, keepdim=True).clamp(min=1.0)
        return torch.einsum("bshd,bde->bshe", local, axes) * speed.view(-1, 1, 1, 1)

    def _local(self, actions: Tensor, axes: Tensor, speed: Tensor) -> Tensor:
        """Commands `[B,H,2]` m/s to the knots `[B,K,2]` nearest to them."""
        local = torch.einsum("bhe,bde->bhd", actions, axes) / speed.view(-1, 1, 1).clamp(min=1e-3)
        return torch.einsum("kh,bhd->bkd", self.inverse.to(actions), local)

    def _later(self, steps: float) -> Tensor:
        """The last plan `steps` (of the dynamics' dt) later, its end repeated."""
        assert self.plan is not None
        place = (torch.arange(self.horizon, device=self.plan.device) + steps).clamp(max=self.horizon - 1)
        low = place.floor().long()
        high = (low + 1).clamp(max=self.horizon - 1)
        return torch.lerp(self.plan[:, low], self.plan[:, high], (place - low)[:, None])

    def _guesses(self, velocity: Tensor, axes: Tensor, speed: Tensor, left: Tensor, dt: Tensor) -> Tensor:
        """Candidates that are always judged, `[B,G,P]`: stop, straight, arrive, keep course, turns at two speeds."""
        batch = velocity.shape[0]
        angle = torch.tensor([-1.4, -0.9, -0.45, 0.45, 0.9, 1.4], device=velocity.device)
        fan = torch.stack((angle.cos(), angle.sin()), dim=-1)
        fixed = torch.cat((torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]], device=fan.device), fan, 0.5 * fan))
        arrive = (left / (speed * dt).clamp(min=1e-3)).clamp(max=1.0)
        arrive = torch.stack((arrive, torch.zeros_like(arrive)), dim=-1)[:, None]
        keep = (torch.einsum("be,bde->bd", velocity, axes) / speed[:, None].clamp(min=1e-3))[:, None]
        constant = torch.cat((fixed.expand(batch, -1, -1), arrive, keep), dim=1)
        return constant.repeat(1, 1, self.knots)


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


def _interpolation(knots: int, horizon: int) -> Tensor:
    """`[horizon, knots]` weights of linear interpolation, the first command being the first knot."""
    place = torch.linspace(0, knots - 1, horizon)
    return (1.0 - (place[:, None] - torch.arange(knots)).abs()).clamp(min=0.0)
