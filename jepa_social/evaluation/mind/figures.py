"""The picture of false belief: accuracy against how much of the path was seen, and log-loss of the next move."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.false_belief import SHARES
from jepa_social.evaluation.mind.scores import CEILING, KEYS, TIMED
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, PERSON, TRUTH

LINES, MARKERS = ("-", "--", ":", "-."), ("s", "^", "v", "D", "x", "P", "*")
Rows = Mapping[str, Mapping[str, Interval]]


def belief_figure(scores: Rows, ours: str) -> Figure:
    """Balanced accuracy of beliefs, and log-loss of the next move on false against true beliefs, with intervals; ours
    and the ceilings in colour, all others grey."""
    figure = Figure(figsize=(12.0, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    rows_against_share(left, scores, ours, KEYS)
    left.set_ylabel("balanced accuracy: where it is believed to be")
    for name, look in looks(scores, ours).items():
        across, wide = with_reach(scores[name], ("move_nll_true",))
        up, high = with_reach(scores[name], ("move_nll_false",))
        right.errorbar(across, up, xerr=wide, yerr=high, capsize=3, **(look | {"linestyle": ""}))
    right.set_xlabel("log-loss of the next move, true beliefs, nats")
    right.set_ylabel("the same, false beliefs")
    clean(right)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, fontsize=8, loc="outside right center")
    return figure


def rows_against_share(axes: Axes, scores: Rows, ours: str, keys: Sequence[str]) -> None:
    """Draw metrics `keys` of every row with intervals over the share of the path that was seen."""
    across = [100 * share for share in SHARES]
    for name, look in looks(scores, ours).items():
        mean, reach = with_reach(scores[name], keys)
        axes.errorbar(across, mean, yerr=reach, label=name, capsize=3, **look)
    axes.set_xlabel("path seen since the thing was moved, %")
    axes.set_xticks(across)
    axes.set_ylim(0.2, 1.0)
    clean(axes)


def looks(scores: Rows, ours: str) -> dict[str, dict[str, Any]]:
    """How each row is drawn."""
    chosen = {ours: (EGO, "-", "o"), CEILING: (TRUTH, "-", "o"), TIMED: (TRUTH, "--", "d")}
    grey = [name for name in scores if name not in chosen]
    chosen |= {name: (PERSON, LINES[i % len(LINES)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(grey)}
    return {name: dict(zip(("color", "linestyle", "marker"), chosen[name], strict=True)) for name in scores}


def with_reach(row: Mapping[str, Interval], keys: Sequence[str]) -> tuple[list[float], list[list[float]]]:
    """Means, and how far intervals reach below and above them."""
    found = [row[key] for key in keys]
    return [v.mean for v in found], [[v.mean - v.low for v in found], [v.high - v.mean for v in found]]


def clean(axes: Axes) -> None:
    """A light grid, and no box."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
