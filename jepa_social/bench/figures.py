"""The figure of a summary: dots with intervals, or curves where rows vary a number."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from jepa_social.bench.summary import Line, Metric, Summary, shown_suite
from jepa_social.evaluation.labels import label
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH, WALL

LINES = (EGO, IMAGINED, TRUTH, GOAL, WALL)
WIDTH = 3.6
"""inches of a panel; there is one for each metric."""
ABREAST = 4
"""Panels beside each other."""
MOST_TICKS = 6
"""More places on the axis than these are not named one by one."""
FAR = 2.0
"""A baseline above so many times the reference is an arrow at the edge: it would squeeze the others."""


def draw(summary: Summary) -> Figure:
    """Curves over `x` if any row has one, else dots."""
    curves = any(line.x is not None for line in summary.lines)
    columns = min(ABREAST, len(summary.metrics))
    rows = -(-len(summary.metrics) // columns)
    names = 0.075 * max(len(line.name) for line in summary.lines)
    height = 3.4 if curves else 0.9 + 0.3 * len(summary.lines)
    figure = Figure(figsize=(WIDTH * columns + names, height * rows + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharey="none" if curves else "row").flat)
    for place, metric in zip(axes, summary.metrics, strict=False):
        (_curves if curves else _dots)(place, summary, metric)
    for place in axes[len(summary.metrics) :]:
        place.set_axis_off()
    figure.suptitle(summary.title, fontsize=10)
    seeds = max((score.mean.n for line in summary.lines for score in line.scores.values()), default=0)
    what = "mean over folds" if len(summary.folds) > 1 else "mean"
    figure.supxlabel(f"{what} and 95 % interval over {seeds} seeds" if seeds > 1 else f"{what}, one seed", fontsize=7)
    return figure


def _dots(axes: Axes, summary: Summary, metric: Metric) -> None:
    """A row a variant, small dots for its seeds, and a line through the reference."""
    for place, line in enumerate(summary.lines):
        score = line.scores.get(metric)
        if score is None or not score.mean.n:
            continue
        colour = PERSON if line.baseline else EGO if line.name == summary.reference else IMAGINED
        if line.name == summary.reference:
            axes.axvline(_scaled(score.mean.mean, metric), color=colour, linewidth=0.8, alpha=0.5, zorder=0)
        level = _level(summary, metric)
        if line.baseline and level > 0 and _scaled(score.mean.mean, metric) > FAR * level:
            axes.plot(FAR * level, place, ">", color=colour, markersize=5)
            continue
        if not line.baseline:
            seeds = [_scaled(value, metric) for value in score.seeds.values()]
            axes.plot(seeds, [place + 0.22] * len(seeds), ".", color=colour, alpha=0.4, markersize=4)
        _bar(axes, score.mean, metric, place, colour)
    axes.set_yticks(range(len(summary.lines)), [line.name for line in summary.lines], fontsize=8)
    axes.set_ylim(len(summary.lines) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel(_title(metric, summary), fontsize=8)
    _bare(axes)


def _level(summary: Summary, metric: Metric) -> float:
    """The reference row's mean, as drawn; 0 where it has none."""
    for line in summary.lines:
        if line.name == summary.reference and metric in line.scores and line.scores[metric].mean.n:
            return _scaled(line.scores[metric].mean.mean, metric)
    return 0.0


def _bar(axes: Axes, mean: Interval, metric: Metric, place: float, colour: str) -> None:
    if not np.isnan(mean.low):
        axes.plot([_scaled(mean.low, metric), _scaled(mean.high, metric)], [place, place], color=colour, linewidth=1.6)
    axes.plot(_scaled(mean.mean, metric), place, "o", color=colour, markersize=5)


def _curves(axes: Axes, summary: Summary, metric: Metric) -> None:
    """Mean over x (log), a curve a `line`; baselines and rows without x are dashed levels."""
    names = list(dict.fromkeys(line.line for line in summary.lines if line.x is not None))
    for name, colour in zip(names, _colours(len(names)), strict=True):
        points = [line for line in summary.lines if line.x is not None and line.line == name]
        known = sorted((_x(p), p.scores[metric].mean) for p in points if metric in p.scores and p.scores[metric].mean.n)
        if not known:
            continue
        x = [place for place, _ in known]
        mean, low, high = (
            [_scaled(value, metric) for value in ends]
            for ends in zip(*((i.mean, i.low, i.high) for _, i in known), strict=True)
        )
        axes.plot(x, mean, "o-", color=colour, markersize=4, linewidth=1.4, label=name or None)
        axes.vlines(x, low, high, color=colour, linewidth=1.2, alpha=0.6)
    for line in summary.lines:
        if line.x is None and metric in line.scores and line.scores[metric].mean.n:
            level = _scaled(line.scores[metric].mean.mean, metric)
            axes.axhline(level, color=PERSON, linestyle="--", linewidth=1.0, label=line.name)
    ticks = sorted({_x(line) for line in summary.lines if line.x is not None})
    axes.set_xscale("log")
    if len(ticks) > MOST_TICKS:  # curves with places of their own
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.tick_params(labelsize=7)
    axes.set_xlabel(summary.x_label, fontsize=8)
    axes.set_ylabel(_title(metric, summary), fontsize=8)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, frameon=False)
    _bare(axes)


def _x(line: Line) -> float:
    assert line.x is not None
    return float(line.x)


def _colours(count: int) -> list[str]:
    return [LINES[i % len(LINES)] for i in range(count)]


def _scaled(value: float, metric: Metric) -> float:
    return 100 * value if label(metric[1]).unit == "%" else value


def _title(metric: Metric, summary: Summary) -> str:
    about, suite = label(metric[1]), shown_suite(metric, summary.metrics)
    hint = {1: "more is better", -1: "less is better", 0: ""}[about.better]
    notes = ", ".join(filter(None, (about.unit, hint)))
    name = f"{suite} {about.name}".strip()
    return f"{name} ({notes})" if notes else name


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x" if axes.get_xscale() == "linear" else "y", linewidth=0.4, alpha=0.4)
