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

ASIDE = (0.4, -0.4, 0.8, -0.8, 1.2, -1.2, 1.8, -1.8)
"""rad from the direction of the goal at which arcs and detours set out."""


class MPC:
    """Plans a few velocity knots over the horizon at every decision and executes the first command.

    A plan is `knots` velocities in units of the preferred speed, joined linearly over `horizon` steps, in the frame
    whose x axis points to the goal (or the next `waypoint` round walls); commands are cut to the preferred speed. The
    last plan, as much later as time has passed, is the next mean; stopping, keeping course, all directions and ways
    round to the goal are always among the candidates. The horizon is long enough to see a crowd close in before the ego
    is in the middle of it.

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
    """

    def __init__(
        self,
        name: str,
        dynamics: Dynamics,
        cost: Cost,
        solver: CEM,
        horizon: float = 5.0,
        knots: int = 5,
        near: int = 20,
        seen: int = 24,
        spread: float = 0.5,
        seed: int = 0,
    ):
        steps = int(horizon / dynamics.dt + 1e-4)
        if not 2 <= knots <= steps:
            raise ValueError(
                f"planner.mpc.knots={knots} must lie between 2 and the {steps} steps of {dynamics.dt:g} s in "
                f"planner.mpc.horizon={horizon:g} s"
            )
        self.name, self.dynamics, self.cost, self.solver = name, dynamics, cost, solver
        self.horizon, self.knots, self.near, self.seen = steps, knots, near, seen
        self.spread, self.seed = spread, seed
        self.basis = _interpolation(knots, steps)
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
        if bool((scene.ego < 0).any()):
            raise ValueError("planning needs scene.ego: give Scene.from_arrays the ego's index")
        passed = float(scene.dt[0]) / self.dynamics.dt
        scene = scene.resampled(self.dynamics.dt).nearest(1 + self.seen)
        goal, speed = scene.goal, scene.speed
        if goal is None or speed is None:
            raise ValueError("planning needs scene.goal and scene.speed: give both to Scene.from_arrays")
        here, velocity, radius = scene.position[:, 0, -1], scene.velocity[:, 0, -1], scene.radius[:, 0]
        aim = waypoint(here, goal, scene.walls, radius)
        in_sight = (aim == goal).all(-1)
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
                    final=in_sight,
                )
            )

        left = torch.where(in_sight, (goal - here).norm(dim=-1), torch.inf)
        guesses = self._guesses(velocity, axes, speed, left, scene.dt)
        mean = guesses[:, 0] if self.plan is None else self._local(self._later(passed), axes, speed).flatten(1)
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
        share = torch.arange(self.knots, device=velocity.device) / (self.knots - 1)
        aside = torch.tensor(ASIDE, device=velocity.device)
        length = left[:, None] * aside / aside.sin()
        passed = (self.horizon * dt * speed)[:, None, None] * share / length[..., None].clamp(min=1e-3)
        turn = aside[:, None] * (1.0 - 2.0 * passed)
        arcs = torch.stack((turn.cos(), turn.sin()), dim=-1).flatten(2)
        turn = aside[:, None] * (share < 0.5)
        detours = torch.stack((turn.cos(), turn.sin()), dim=-1).flatten(1).expand(batch, -1, -1)
        return torch.cat((steady.repeat(1, 1, self.knots), arcs, detours), dim=1)


def _directions(number: int) -> Tensor:
    """Unit vectors all round, the first along x: `[number,2]`."""
    angle = torch.arange(number) * (2 * torch.pi / number)
    return torch.stack((angle.cos(), angle.sin()), dim=-1)


def _interpolation(knots: int, horizon: int) -> Tensor:
    """`[horizon, knots]` weights of linear interpolation, the first command being the first knot."""
    place = torch.linspace(0, knots - 1, horizon)
    return (1.0 - (place[:, None] - torch.arange(knots)).abs()).clamp(min=0.0)
