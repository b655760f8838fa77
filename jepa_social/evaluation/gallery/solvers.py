"""One picture per solver: the plans that it judged in one decision, and the one that it chose."""

from functools import partial

import torch
from hydra.utils import instantiate
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import draw_scene, small_multiples
from jepa_social.evaluation.gallery.picture import Picture
from jepa_social.evaluation.gallery.scene import gallery_scene
from jepa_social.evaluation.style import EGO
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import jepa_planner
from jepa_social.planning.plans import axes_toward
from jepa_social.planning.solvers import Solver
from jepa_social.planning.solvers.solver import Objective
from jepa_social.scene import Scene


class Watched:
    """A solver that remembers what it judged.

    Args:
        solver: does the work.

    Attributes:
        judged: plans `[B,S,P]` and costs `[B,S]`, a pair for every time that it asked.
    """

    def __init__(self, solver: Solver):
        self.solver, self.gradients = solver, solver.gradients
        self.judged: list[tuple[Tensor, Tensor]] = []

    def solve(
        self,
        objective: Objective,
        mean: Tensor,
        std: Tensor,
        guesses: Tensor,
        seed: int = 0,
        deadline_s: float | None = None,
    ) -> Tensor:
        """See `Solver`."""

        def judge(plans: Tensor) -> Tensor:
            cost = objective(plans)
            self.judged.append((plans.detach(), cost.detach()))
            return cost

        return self.solver.solve(judge, mean, std, guesses, seed, deadline_s)


def judged_paths(world_model: WorldModel, planner: DictConfig, solver: DictConfig) -> tuple[Scene, Tensor, Tensor]:
    """The scene of one decision, where its judged plans lead `[S,H+1,2]` m, and their costs `[S]`."""
    scene = gallery_scene(world_model.dt)
    policy = jepa_planner(world_model, planner)
    watched = Watched(instantiate(solver))
    policy.solver = watched
    policy.act(scene)
    assert scene.goal is not None
    assert scene.speed is not None
    here = scene.position[:, 0, -1]
    plans, cost = (torch.cat(parts, dim=1) for parts in zip(*watched.judged, strict=True))
    actions = policy.plans.actions(plans, axes_toward(here, scene.goal), scene.speed)[0]
    moved = torch.cat((torch.zeros_like(actions[:, :1]), actions.cumsum(1) * world_model.dt), dim=1)
    return scene, here + moved, cost[0]


def solver_figure(scene: Scene, paths: Tensor, cost: Tensor, title: str) -> Figure:
    """Paths `[S,T,2]` m, the cheap ones dark and on top, the cheapest in the ego's colour."""
    figure, (axes,) = small_multiples(1)
    order = cost.argsort(descending=True)
    shade = torch.linspace(0.85, 0.1, len(order)).tolist()
    lines = LineCollection(list(paths[order].numpy()), colors=[(s, s, s) for s in shade], linewidths=0.5, zorder=2)
    axes.add_collection(lines)
    draw_scene(axes, scene, -1, None, None, 0)
    best = paths[cost.argmin()]
    axes.plot(*best.T.numpy(), color=EGO, linewidth=3, marker="o", markersize=3, zorder=7)
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlim=(-4.0, 7.0), ylim=(-5.0, 5.0), xlabel="m", ylabel="m")
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def solver_pictures(world_model: WorldModel, planner: DictConfig, solvers: DictConfig) -> list[Picture]:
    """A picture of every one of `solvers`, each in the planner in place of its own."""

    def draw(name: str) -> Figure:
        scene, paths, cost = judged_paths(world_model, planner, solvers[name])
        return solver_figure(
            scene, paths, cost, f"{captions[name]}: {len(paths)} plans, the best costs {cost.min():.2f}"
        )

    captions = {str(name): str(name).replace("_", " ") for name in solvers}
    return [Picture(f"solver_{name}", caption, partial(draw, name)) for name, caption in captions.items()]
