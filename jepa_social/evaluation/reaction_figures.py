"""Pictures of reactions: predicted against true change, R² by scenario, and one moment under every plan."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.figures import draw_scene, legend, small_multiples
from jepa_social.evaluation.reaction import Changes
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH
from jepa_social.scene import Scene

MOST = 3000
"""Dots of the scatter plot."""
SHADES = ("#CC79A7", "#56B4E9", PERSON, GOAL, EGO, TRUTH)
"""Of the rows that are not ours, in order."""


def reaction_figure(
    predicted: Changes, truth: Changes, scores: Scores, types: Sequence[str], unseen: Sequence[str], ours: str
) -> Figure:
    """Left: how far plans hold people up, predicted against true, a dot a person and plan. Right: R² by scenario.

    Args:
        predicted, truth: what `ours` says and what came.
        scores: of every row, with `change_r2` and `change_r2_<scenario>`.
        types: scenarios, in order; those `unseen` in training are marked.
        unseen: names among `types`.
        ours: the highlighted row.
    """
    figure, axes = small_multiples(2, 2, square=False)
    figure.set_size_inches(11.0, 4.6)
    step = max(1, len(truth.progress) // MOST)
    x, y = truth.progress[::step].numpy(), predicted.progress[::step].numpy()
    edge = float(truth.progress.abs().quantile(0.995)) if len(x) else 1.0
    axes[0].plot([-edge, edge], [-edge, edge], color=PERSON, linewidth=1)
    axes[0].axhline(0, color=PERSON, linewidth=0.5)
    axes[0].axvline(0, color=PERSON, linewidth=0.5)
    axes[0].scatter(x, y, s=6, alpha=0.35, color=IMAGINED, linewidths=0)
    axes[0].set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    axes[0].set_xlabel("true change of progress, m (below 0: held up)")
    axes[0].set_ylabel("predicted, m")
    axes[0].set_title(f"{ours}: what a plan does to others", loc="left", fontsize=10)
    names = ["change_r2", *(f"change_r2_{kind}" for kind in types)]
    shown = [row for row in scores if any(name in scores[row] for name in names)]
    for turn, row in enumerate(shown):
        found = [scores[row].get(name) for name in names]
        place = [k + (turn - (len(shown) - 1) / 2) * 0.8 / len(shown) for k in range(len(names))]
        height = [interval.mean if interval else float("nan") for interval in found]
        spread = [
            [h - i.low if i else 0.0 for h, i in zip(height, found, strict=True)],
            [i.high - h if i else 0.0 for h, i in zip(height, found, strict=True)],
        ]
        shade = IMAGINED if row == ours else SHADES[turn % len(SHADES)]
        axes[1].bar(place, height, 0.8 / len(shown), yerr=spread, color=shade, label=row, error_kw={"linewidth": 0.8})
    labels = ["all", *(kind.replace("_", "\n") + ("*" if kind in unseen else "") for kind in types)]
    axes[1].set_xticks(range(len(names)), labels, fontsize=8)
    axes[1].set_ylim(-0.5, 1.0)
    axes[1].axhline(0, color=PERSON, linewidth=0.8)
    axes[1].set_title("R² of the change" + (" (* never trained on)" if unseen else ""), loc="left", fontsize=10)
    figure.legend(loc="outside lower center", ncols=len(shown), frameon=False, fontsize=8)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure


def branches_figure(observed: int, runs: Mapping[str, Scene], imagined: Tensor, near: Tensor) -> Figure:
    """One moment under every plan: the past, what came, and what was imagined for the people within reach.

    Args:
        observed: frames up to the moment.
        runs: plan to one scene (without batch axis) of the past and what followed.
        imagined: `[P,N,H,2]` m, in the order of `runs`.
        near: `[N]` bool, whose futures are drawn.
    """
    figure, axes = small_multiples(len(runs))
    scene = None
    for axis, (plan, run), paths in zip(axes, runs.items(), imagined, strict=True):
        scene = run[None]
        came = torch.where(run.present[..., None], run.position, torch.nan)[:, observed:]
        guess = paths.masked_fill(~near[:, None, None], torch.nan)
        draw_scene(axis, scene, observed - 1, guess, came, 0)
        axis.set_title(plan, loc="left", fontsize=10)
    assert scene is not None, "no plan, no picture"
    legend(figure, scene, True, True)
    return figure
