"""Still pictures: people as discs with velocity arrows, past solid, imagined futures fading, the ego in one colour.

Every function returns a `matplotlib.figure.Figure` that belongs to no window (Agg); `save` writes it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from jepa_social.evaluation.curves import Curve
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH, WALL
from jepa_social.files import with_draft
from jepa_social.scene import FAR, Scene

ARROW = 0.8
"""s of motion that a velocity arrow stands for."""


def scene_figure(
    scene: Scene,
    frame: int,
    futures: Tensor | None = None,
    truth: Tensor | None = None,
    title: str = "",
) -> Figure:
    """The first scene at one frame.

    Args:
        scene: frames up to `frame` are drawn as past.
        frame: which one is now; -1 is the last.
        futures: `[N,H,2]` or `[S,N,H,2]` m, imagined; fades with time.
        truth: `[N,H,2]` m, what came (NaN where unknown).
        title: above the picture.
    """
    figure, axes = small_multiples(1)
    draw_scene(axes[0], scene, frame, futures, truth, 0)
    axes[0].set_title(title, loc="left", fontsize=11)
    legend(figure, scene, futures is not None, truth is not None)
    return figure


def forecast_grid(scene: Scene, observed: int, futures: Tensor, most: int = 9) -> Figure:
    """Small multiples: predicted against true futures, a window a panel.

    Args:
        scene: whole windows `[B,N,T]`.
        observed: frames before the forecast.
        futures: `[B,N,H,2]` or `[B,S,N,H,2]` m.
        most: panels at most.
    """
    count = min(len(scene.ego), most)
    figure, axes = small_multiples(count)
    horizon = futures.shape[-2]
    truth = torch.where(scene.present[..., None], scene.position, torch.nan)[:, :, observed : observed + horizon]
    for i in range(count):
        draw_scene(axes[i], scene, observed - 1, futures[i], truth[i], i)
    legend(figure, scene, True, True)
    return figure


def latent_pca(latents: Tensor, value: Tensor, name: str) -> Figure:
    """Latents `[K,D]` on their first two principal axes, coloured by `value [K]` (speed, distance, …) called `name`."""
    centred = (latents - latents.mean(0)).double().cpu()
    _, spread, axes = torch.linalg.svd(centred, full_matrices=False)
    shown = (centred @ axes[:2].T).numpy()
    share = (spread.square() / spread.square().sum()).tolist()
    figure, panels = small_multiples(1)
    dots = panels[0].scatter(shown[:, 0], shown[:, 1], c=value.cpu().numpy(), cmap="cividis", s=9, linewidths=0)
    panels[0].set_xlabel(f"first axis, {100 * share[0]:.0f} % of variance")
    panels[0].set_ylabel(f"second axis, {100 * share[1]:.0f} %")
    figure.colorbar(dots, ax=panels[0], label=name, shrink=0.8)
    return figure


def curves(history: Sequence[Curve], columns: int = 3) -> Figure:
    """Training curves, a panel each, the last value in its title."""
    figure, axes = small_multiples(len(history), columns, square=False)
    for panel, curve in zip(axes, history, strict=False):
        panel.plot(curve.step, curve.value, color=IMAGINED, linewidth=1.6)
        panel.plot(curve.step[-1:], curve.value[-1:], "o", color=EGO, markersize=4)
        panel.set_title(f"{curve.name}: {curve.value[-1]:.3g}", loc="left", fontsize=10)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def save(figure: Figure, path: Path, dpi: int = 130) -> Path:
    """Write a PNG, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with_draft(path, lambda draft: figure.savefig(draft, dpi=dpi, format="png"))
    return path


def draw_scene(axes: Axes, scene: Scene, frame: int, futures: Tensor | None, truth: Tensor | None, index: int) -> None:
    """Draw one scene into `axes` (see `scene_figure`)."""
    frame = frame % scene.frames
    ego = int(scene.ego[index])
    position, present = scene.position[index].cpu(), scene.present[index].cpu()
    for agent in present[:, : frame + 1].any(-1).nonzero()[:, 0].tolist():
        colour = EGO if agent == ego else PERSON
        past = position[agent, : frame + 1].masked_fill(~present[agent, : frame + 1, None], torch.nan)
        axes.plot(*past.T.numpy(), color=colour, linewidth=2.2 if agent == ego else 1.5, solid_capstyle="round")
        if futures is not None and present[agent, frame]:  # of others a forecast means nothing
            samples = futures[None] if futures.ndim == 3 else futures
            for sample in samples:
                _fade(axes, sample[agent].detach().cpu().numpy(), IMAGINED if agent != ego else EGO, len(samples))
        if truth is not None and present[agent, frame]:
            joined = torch.cat((position[agent, frame : frame + 1], truth[agent].cpu()))
            axes.plot(*joined.T.numpy(), color=TRUTH, linewidth=1.2, linestyle=(0, (2, 1.5)), zorder=4)
        if present[agent, frame]:
            _body(axes, scene, index, agent, frame, colour)
    if scene.goal is not None and ego >= 0:
        axes.plot(*scene.goal[index].tolist(), marker="*", markersize=15, color=GOAL, markeredgecolor="white", zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.autoscale_view()  # before the walls: a long corridor must not make people small
    for wall in [] if scene.walls is None else scene.walls[index].tolist():
        if max(abs(v) for v in wall) < FAR:
            style = {"color": WALL, "linewidth": 3, "solid_capstyle": "round"}
            axes.plot(wall[0::2], wall[1::2], scalex=False, scaley=False, **style)


def _body(axes: Axes, scene: Scene, index: int, agent: int, frame: int, colour: str) -> None:
    x, y = scene.position[index, agent, frame].tolist()
    u, v = (ARROW * scene.velocity[index, agent, frame]).tolist()
    axes.add_patch(Circle((x, y), float(scene.radius[index, agent]), facecolor=colour, edgecolor="white", zorder=5))
    if u * u + v * v > 0.01:
        axes.annotate(
            "", (x + u, y + v), (x, y), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.3}, zorder=6
        )


def _fade(axes: Axes, path: np.ndarray, colour: str, samples: int) -> None:
    """A path whose later parts are fainter."""
    pieces = np.stack((path[:-1], path[1:]), axis=1)
    alpha = np.linspace(0.95, 0.2, len(pieces)) / (1 if samples == 1 else 2)
    shades = [(*to_rgba(colour)[:3], a) for a in alpha]
    axes.add_collection(LineCollection(list(pieces), colors=shades, linewidths=2.0 if samples == 1 else 1.2, zorder=3))
    axes.update_datalim(path)


def small_multiples(count: int, columns: int = 3, square: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, bare and gridded where they are `square`: maps of the plane."""
    columns = max(1, min(columns, count))
    rows = max(1, -(-count // columns))
    size = (6.2, 5.8) if count == 1 else (3.6 * columns, (3.5 if square else 2.4) * rows)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(max(count, 1))]
    for one in axes if square else ():
        one.grid(alpha=0.2)
        one.tick_params(labelsize=7, length=0)
        one.spines[:].set_visible(False)
    return figure, axes


def legend(figure: Figure, scene: Scene, futures: bool, truth: bool) -> None:
    """Say below the panels what is what."""
    entries = [("people, past", PERSON, "-")]
    if bool((scene.ego >= 0).any()):
        entries.insert(0, ("ego", EGO, "-"))
    if futures:
        entries.append(("imagined", IMAGINED, "-"))
    if truth:
        entries.append(("what came", TRUTH, ":"))
    axes = figure.axes[0]
    handles = [
        axes.plot([], [], color=colour, linestyle=line, linewidth=2, label=name)[0] for name, colour, line in entries
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=8)
