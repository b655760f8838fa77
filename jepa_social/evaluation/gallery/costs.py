"""One picture per cost: what it would cost to walk straight to each place, people as a world model imagines them."""

import sys
from functools import partial

import numpy as np
import torch
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import draw_scene, small_multiples
from jepa_social.evaluation.gallery.picture import Picture
from jepa_social.evaluation.gallery.scene import gallery_scene
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.costs import Cost, Risk
from jepa_social.planning.dynamics import Dynamics, Imagination
from jepa_social.planning.imagined import Imagined
from jepa_social.planning.outlook import Outlook
from jepa_social.scene import Scene

TAIL = 0.25
"""Share of the worst futures in the picture of risk."""
DRAWS = 16


@torch.no_grad()
def straight_plans(dynamics: Dynamics, scene: Scene, horizon: int, spacing: float) -> tuple[Tensor, Imagined]:
    """Places `[S,2]` m within reach of the ego, `spacing` m apart, and the plans that go straight there in `horizon`
    steps."""
    assert scene.speed is not None
    assert scene.goal is not None
    far = float(scene.speed[0]) * horizon * dynamics.dt
    axis = torch.arange(-far, far + spacing, spacing)
    place = torch.cartesian_prod(axis, axis)
    place = place[place.norm(dim=-1) <= far]
    actions = (place / (horizon * dynamics.dt))[None, :, None].expand(-1, -1, horizon, -1)
    people = dynamics.prepare(scene, scene.agents - 1)
    return place, Outlook(dynamics, people, scene, scene.goal)(actions)


def cost_figure(scene: Scene, place: Tensor, value: Tensor, spacing: float, title: str, paths: Tensor) -> Figure:
    """Heat map of `value [S]` at each `place [S,2]`, people and where they would be without the ego.

    Args:
        scene: what has been seen.
        place: m.
        value: of the plan that goes there.
        spacing: m between the places.
        title: above the picture.
        paths: `[N,H,2]` m, drawn as futures; NaN for the ego.
    """
    figure, (axes,) = small_multiples(1)
    cells = np.round((place / spacing).numpy() - (place / spacing).amin(0).numpy()).astype(int)
    grid = np.full(cells.max(0) + 1, np.nan)
    grid[tuple(cells.T)] = value.numpy()
    low, high = (place.amin(0) - spacing / 2).tolist(), (place.amax(0) + spacing / 2).tolist()
    shown = axes.imshow(
        grid.T, origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap="cividis", interpolation="nearest"
    )
    draw_scene(axes, scene, -1, paths, None, 0)
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlim=(-2.2, 4.6), ylim=(-3.4, 3.4), xlabel="m", ylabel="m")
    figure.colorbar(shown, ax=axes, label="cost of walking straight there", shrink=0.8)
    axes.set_title(title, loc="left", fontsize=10)
    return figure


@torch.no_grad()
def cost_pictures(world_model: WorldModel, planner: DictConfig, spacing: float) -> list[Picture]:
    """A picture of every term of `planner.cost`, and one of risk: maps of places `spacing` m apart."""
    terms: dict[str, Cost] = dict(instantiate(planner.cost.terms, _convert_="all"))
    titles = {name: f"{name.replace('_', ' ')}: {_about(term)}" for name, term in terms.items()}
    risk, clearance = Risk(TAIL, DRAWS), terms["clearance"]
    terms["risk"] = lambda imagined: risk(clearance, imagined)
    titles["risk"] = f"clearance in the worst {TAIL:.0%} of {DRAWS} joint intents (CVaR)"
    scene = gallery_scene(world_model.dt)
    dynamics = Imagination(world_model, planner.reactive, planner.ego_kind)
    place, imagined = straight_plans(dynamics, scene, round(planner.mpc.horizon / dynamics.dt), spacing)
    paths = torch.cat((torch.full_like(imagined.absent()[0, :1], torch.nan), imagined.absent()[0]))

    @torch.no_grad()
    def draw(name: str) -> Figure:
        return cost_figure(scene, place, terms[name](imagined)[0], spacing, titles[name], paths)

    return [Picture(f"cost_{name}", titles[name], partial(draw, name)) for name in terms]


def _about(cost: Cost) -> str:
    """What the file of a cost says that it is about."""
    text = sys.modules[type(cost).__module__].__doc__
    assert text
    first = text.strip().splitlines()[0].rstrip(".")
    return first[0].lower() + first[1:]
