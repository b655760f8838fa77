"""Pictures of the `probes` suite and of pretraining: latent drift against horizon, probe scores side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.labels import label
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON

COLOURS = (EGO, PERSON, IMAGINED)
WORST = -0.5
"""Where bars are cut off, their value written on them."""


def drift_figure(drift: Sequence[Interval], dt: float) -> Figure:
    """Latent rollout drift of steps 1..H with its interval, against 1: copying the last latent.

    Args:
        drift: one interval a step (of no width where there is none).
        dt: s between steps.
    """
    figure, axes = _canvas(5.6, 3.6)
    time = dt * np.arange(1, len(drift) + 1)
    axes.fill_between(time, [d.low for d in drift], [d.high for d in drift], color=IMAGINED, alpha=0.2, linewidth=0)
    axes.plot(time, [d.mean for d in drift], "o-", color=IMAGINED, linewidth=1.8, markersize=4, label="imagined")
    axes.axhline(1.0, color=PERSON, linestyle=(0, (4, 3)), linewidth=1.4, label="last latent, copied")
    axes.set_xlabel("horizon, s")
    axes.set_ylabel("squared latent error / that of copying")
    axes.set_ylim(0, max(1.15, 1.05 * max((d.high for d in drift if d.n), default=1.0)))
    axes.legend(frameon=False, fontsize=9)
    return figure


def probe_figure(scores: Scores, targets: Mapping[str, str]) -> Figure:
    """Bars with intervals: a panel for linear and one for attentive probes, a group a target, a bar a policy.

    Args:
        scores: policy to `<kind>_<target>_<r2|auc>` to interval.
        targets: target to `r2` or `auc`, in the order drawn.
    """
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    width = 0.8 / len(scores)
    for row, kind in enumerate(("linear", "attentive")):
        axes = figure.add_subplot(2, 1, row + 1)
        for i, (policy, metrics) in enumerate(scores.items()):
            for j, (target, unit) in enumerate(targets.items()):
                interval = metrics.get(f"{kind}_{target}_{unit}")
                if interval is None or not interval.n:
                    continue
                floor = 0.5 if unit == "auc" else 0.0  # what a guess scores
                x = j + (i - (len(scores) - 1) / 2) * width
                axes.bar(
                    x, interval.mean - floor, 0.92 * width, bottom=floor, color=COLOURS[i % 3], label=policy, zorder=2
                )
                axes.plot([x, x], [interval.low, interval.high], color="black", linewidth=1.1, zorder=3)
                if interval.mean < WORST:
                    axes.text(x, WORST, f"{interval.mean:.1f}", ha="center", va="bottom", fontsize=7, color="white")
        titles = [label(f"{kind}_{target}_{unit}").name.removeprefix(f"{kind}: ") for target, unit in targets.items()]
        axes.set_xticks(range(len(targets)), titles, fontsize=9)
        axes.set_ylim(max(WORST, min(0.0, axes.get_ylim()[0])), 1.02)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_title(f"{kind} probes (AUC starts at the 0.5 of a guess)", loc="left", fontsize=11)
        axes.grid(axis="y", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    handles, names = figure.axes[0].get_legend_handles_labels()
    first = dict(zip(reversed(names), reversed(handles), strict=True))
    figure.legend(
        [first[name] for name in scores if name in first], [name for name in scores if name in first],
        loc="outside lower center", ncols=3, frameon=False,
    )  # fmt: skip
    return figure


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
