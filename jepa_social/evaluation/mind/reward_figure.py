"""The picture of the internal social reward: how its error falls, and what an ego that follows it does for all."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.mind.figures import LINES, clean, looks, with_reach
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, PERSON, TRUTH
from jepa_social.worlds.audience import FALL, NOTICED_NOW


def reward_figure(curves: Mapping[str, Tensor], scores: Mapping[str, Mapping[str, Interval]], ours: str) -> Figure:
    """Left: mean evaluation expected of a slip in public, against interactions. Right: own return and welfare."""
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    grey = 0
    for name, curve in curves.items():
        colour = {ours: EGO, CEILING: TRUTH}.get(name, PERSON)
        style = LINES[1 + grey % (len(LINES) - 1)] if colour == PERSON else "-"
        grey += colour == PERSON
        if name != "oracle":
            left.plot(curve.mean(0), color=colour, linestyle=style, label=name)
    left.axhline(-FALL * NOTICED_NOW, color="0.6", label="true expectation")
    left.set_xlabel("interactions with people who notice half as much")
    left.set_ylabel("what I believe they think of a slip in public")
    left.legend(frameon=False, fontsize=8, loc="center right", bbox_to_anchor=(1.0, 0.3))
    draw_conduct(right, scores, ours, "own_return", "welfare")
    right.legend(frameon=False, fontsize=8)
    clean(left)
    return figure


def draw_conduct(axes: Axes, scores: Mapping[str, Mapping[str, Interval]], ours: str, own: str, welfare: str) -> None:
    """What acting on each row's beliefs brings the ego, and what it brings all, with intervals."""
    look = looks(scores, ours)
    for name, row in scores.items():
        if welfare in row:
            across, wide = with_reach(row, (own,))
            up, high = with_reach(row, (welfare,))
            point: dict[str, Any] = look[name] | {"linestyle": ""}
            axes.errorbar(across, up, xerr=wide, yerr=high, label=name, **point)
    axes.set_xlabel("own return an interaction")
    axes.set_ylabel("social welfare an interaction")
    clean(axes)
