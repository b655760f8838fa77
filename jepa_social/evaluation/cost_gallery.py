"""One picture per cost: `python -m jepa_social.evaluation.cost_gallery run=runs/crowd`.

A map of what it would cost to walk straight to each place, among people as the run's world model imagines them.
"""

import sys
from pathlib import Path

import hydra
import numpy as np
import torch
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig
from rich.progress import track
from torch import Tensor

from jepa_social.evaluation.figures import draw_scene, save, small_multiples
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.costs import Cost, Risk
from jepa_social.planning.dynamics import Dynamics, Imagination
from jepa_social.planning.imagined import Imagined
from jepa_social.planning.outlook import Outlook
from jepa_social.scene import Scene

SPACING = 0.15
"""m between the places of a map."""
PEOPLE = ((2.2, 0.55, 0.5, 0.0), (2.2, -0.55, 0.5, 0.0), (4.0, -2.6, -0.8, 0.6))
"""x, y m and velocity m/s: two who walk together ahead of the ego, and one who crosses."""
TAIL = 0.25
"""Share of the worst futures in the picture of risk."""
DRAWS = 16


def gallery_scene(dt: float, frames: int = 8, speed: float = 1.4) -> Scene:
    """An ego on its way along x, and `PEOPLE`, all at constant velocity until now."""
    now = torch.tensor([(0.0, 0.0, 1.0, 0.0), *PEOPLE])
    time = dt * torch.arange(1 - frames, 1).view(1, -1, 1)
    return Scene.from_arrays(now[:, None, :2] + time * now[:, None, 2:], dt, ego=0, goal=(6.0, 0.0), speed=speed)


@torch.no_grad()
def straight_plans(dynamics: Dynamics, scene: Scene, horizon: int) -> tuple[Tensor, Imagined]:
    """Places `[S,2]` m within reach of the ego, and the plans that go straight there in `horizon` steps."""
    assert scene.speed is not None
    assert scene.goal is not None
    far = float(scene.speed[0]) * horizon * dynamics.dt
    axis = torch.arange(-far, far + SPACING, SPACING)
    place = torch.cartesian_prod(axis, axis)
    place = place[place.norm(dim=-1) <= far]
    actions = (place / (horizon * dynamics.dt))[None, :, None].expand(-1, -1, horizon, -1)
    people = dynamics.prepare(scene, scene.agents - 1)
    return place, Outlook(dynamics, people, scene, scene.goal)(actions)


def cost_figure(scene: Scene, place: Tensor, value: Tensor, title: str, paths: Tensor) -> Figure:
    """Heat map of `value [S]` at each `place [S,2]`, people and where they would be without the ego.

    Args:
        scene: what has been seen.
        place: m.
        value: of the plan that goes there.
        title: above the picture.
        paths: `[N,H,2]` m, drawn as futures; NaN for the ego.
    """
    figure, (axes,) = small_multiples(1)
    cells = np.round((place / SPACING).numpy() - (place / SPACING).amin(0).numpy()).astype(int)
    grid = np.full(cells.max(0) + 1, np.nan)
    grid[tuple(cells.T)] = value.numpy()
    low, high = (place.amin(0) - SPACING / 2).tolist(), (place.amax(0) + SPACING / 2).tolist()
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
def cost_figures(world_model: WorldModel, planner: DictConfig, folder: Path) -> list[Path]:
    """Write a picture of every term of `planner.cost`, and one of risk, into `folder`."""
    terms: dict[str, Cost] = dict(instantiate(planner.cost.terms, _convert_="all"))
    titles = {name: f"{name.replace('_', ' ')}: {_about(term)}" for name, term in terms.items()}
    risk, clearance = Risk(TAIL, DRAWS), terms["clearance"]
    terms["risk"] = lambda imagined: risk(clearance, imagined)
    titles["risk"] = f"clearance in the worst {TAIL:.0%} of {DRAWS} joint intents (CVaR)"
    scene = gallery_scene(world_model.dt)
    dynamics = Imagination(world_model, planner.reactive, planner.ego_kind)
    place, imagined = straight_plans(dynamics, scene, round(planner.mpc.horizon / dynamics.dt))
    paths = torch.cat((torch.full_like(imagined.absent()[0, :1], torch.nan), imagined.absent()[0]))
    written = []
    for name in track(list(terms), description="costs"):
        value = terms[name](imagined)[0]
        figure = cost_figure(scene, place, value, titles[name], paths)
        written.append(save(figure, folder / f"cost_{name}.png", dpi=100))
    return written


def _about(cost: Cost) -> str:
    """What the file of a cost says that it is about."""
    text = sys.modules[type(cost).__module__].__doc__
    assert text
    first = text.strip().splitlines()[0].rstrip(".")
    return first[0].lower() + first[1:]


@hydra.main(version_base="1.3", config_path="../../configs", config_name="cost_gallery")
def main(config: DictConfig) -> None:
    """Pictures of the costs of `config.planner` with the world model of `config.run`."""
    cost_figures(WorldModel.load(config.run), config.planner, Path(config.output))


if __name__ == "__main__":
    main()
