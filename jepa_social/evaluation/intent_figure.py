"""Pictures of intents: one moment under a few of them, and which of them come true."""

import math

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from torch import Tensor

from jepa_social.evaluation.figures import draw_scene, legend, small_multiples
from jepa_social.evaluation.forecasting import displacement_errors
from jepa_social.evaluation.intents import IntentFutures, Usage
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON, TRUTH
from jepa_social.scene import Scene

PEOPLE = (3, 10)
"""Fewest and most people in a scene that is to be shown."""
WALKING = 0.5
"""m/s above which somebody counts as walking."""
AROUND = 0.7
"""m that a map shows beyond what is drawn in it."""
GRID = 2
"""m between grid lines."""
TALL = 1.3
"""Height over width above which maps stand side by side in one row."""


def telling(scene: Scene, observed: int) -> Tensor:
    """How much each window `[B,N,T]` has to show: how many walk now and are seen to the end; -1 if too few or too many.

    Args:
        scene: whole windows.
        observed: frames before the forecast.
    """
    here = scene.present[:, :, observed - 1]
    walking = here & (scene.velocity[:, :, observed - 1].norm(dim=-1) > WALKING)
    shown = (walking & scene.present[:, :, observed:].all(-1)).sum(1)
    fits = (here.sum(1) >= PEOPLE[0]) & (here.sum(1) <= PEOPLE[1])
    return torch.where(fits, shown, -1)


def intent_figure(scene: Scene, observed: int, futures: IntentFutures, expected: Tensor, most: int = 6) -> Figure:
    """Small multiples of the first scene: what is expected, then the joint future under each of the likeliest codes.

    All panels have the same axes and tell their mean error, m, over the agents whose future is known; the best of the
    codes shown is named so.

    Args:
        scene: whole windows `[B,N,T]`.
        observed: frames before the forecast.
        futures: under each code.
        expected: `[B,N,H,2]` m, under none.
        most: codes at most.
    """
    horizon = expected.shape[2]
    now, position = scene[:1].between(0, observed), scene.position[0]
    here, later = now.present[0, :, -1], slice(observed, observed + horizon)
    known = scene.present[0, :, later] & here[:, None]
    truth = torch.where(known[..., None], position[:, later], torch.nan)
    chance = futures.pooled()[0]
    codes = chance.topk(min(most, len(chance))).indices
    paths = torch.cat((expected[:1], futures.paths[0, codes]))
    error = displacement_errors(paths, position[:, later], known)[0].nanmean(-1)
    closest = int(error[1:].argmin()) + 1 if known.any() else None
    start = position[:, observed - 1 : observed].expand(len(paths), -1, -1, -1)
    paths = torch.cat((start, paths), dim=2).masked_fill(~here[:, None, None], torch.nan)
    low, high = _bounds(paths, truth, position[:, :observed][now.present[0]])
    tall = float((high - low)[1] / (high - low)[0])
    figure, axes = small_multiples(len(paths), columns=len(paths) if tall > TALL else 4)
    figure.set_size_inches(_size(len(paths), tall))
    names = ["expected, no intent", *(f"intent {int(code)}, p = {float(chance[code]):.2f}" for code in codes)]
    for number, panel in enumerate(axes):
        draw_scene(panel, now, -1, paths[number], truth, 0)
        panel.set_aspect("equal", adjustable="box")
        panel.set(xlim=(float(low[0]), float(high[0])), ylim=(float(low[1]), float(high[1])))
        panel.xaxis.set_major_locator(MultipleLocator(GRID))
        panel.yaxis.set_major_locator(MultipleLocator(GRID))
        panel.tick_params(labelbottom=False, labelleft=False)
        title = names[number] if closest is None else f"{names[number]}\n{float(error[number]):.2f} m off"
        best = number == closest
        panel.set_title(
            title + (", the closest" if best else ""),
            loc="left",
            fontsize=9,
            color=TRUTH if best else "black",
            fontweight="bold" if best else "normal",
        )
    figure.suptitle(f"The next {horizon * float(scene.dt[0]):.1f} s under each intent (grid: {GRID} m)", fontsize=11)
    legend(figure, now, True, True)
    return figure


def usage_figure(usage: Usage) -> Figure:
    """Bars: share of agents to whose path each code came closest, most first; dots: its mean probability beforehand."""
    order = usage.share.argsort(descending=True, stable=True).cpu()
    share, prior = usage.share.cpu()[order].numpy(), usage.prior.cpu()[order].numpy()
    codes = len(order)
    figure = Figure(figsize=(max(6.0, 0.34 * codes + 1.5), 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    place = np.arange(codes)
    axes.bar(place, 100 * share, 0.8, color=IMAGINED, label="came closest to the truth")
    axes.plot(
        place, 100 * prior, "o", color=EGO, markeredgecolor="white", markersize=7, label="mean probability beforehand"
    )
    axes.axhline(100 / codes, color=PERSON, linestyle=(0, (4, 3)), linewidth=1.2, label="all alike")
    axes.set_xticks(place, [str(code) for code in order.tolist()], fontsize=8)
    axes.set_xlim(-0.6, codes - 0.4)
    axes.set_xlabel("intent")
    axes.set_ylabel(f"share of {usage.agents:,} agents, %")
    axes.set_title(
        f"{usage.codes:.1f} of {codes} intents in use; to name one costs {usage.rate:.2f} nats "
        f"(blind guess {math.log(codes):.2f})",
        loc="left",
        fontsize=10,
    )
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _bounds(*shown: Tensor) -> tuple[Tensor, Tensor]:
    """The corners `[2]`, m, of a frame round all points `[...,2]` that are `shown`."""
    points = torch.cat([points.reshape(-1, 2) for points in shown])
    points = points[points.isfinite().all(-1)].detach().cpu()
    return points.amin(0) - AROUND, points.amax(0) + AROUND


def _size(count: int, tall: float) -> tuple[float, float]:
    """Inches of a figure of `count` maps that are `tall` times as high as wide."""
    if tall > TALL:
        return 1.9 * count, min(1.9 * tall, 5.5) + 1.1
    return 3.2 * min(count, 4), 3.2 * tall * -(-count // 4) + 1.4
