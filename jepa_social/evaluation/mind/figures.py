"""The picture of false belief: accuracy against how much of the path was seen, and log-loss of the next move."""

from collections.abc import Mapping

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
    share = [100 * s for s in SHARES]
    grey = 0
    for name, row in scores.items():
        colour, style, marker = {ours: (EGO, "-", "o"), CEILING: (TRUTH, "-", "o"), TIMED: (TRUTH, "--", "d")}.get(
            name, (PERSON, LINES[grey % len(LINES)], MARKERS[grey % len(MARKERS)])
        )
        grey += colour == PERSON
        mean, reach = _with_reach(row, KEYS)
        line = {"color": colour, "marker": marker, "capsize": 3}
        left.errorbar(share, mean, yerr=reach, linestyle=style, label=name, **line)
        across, wide = _with_reach(row, ("move_nll_true",))
        up, high = _with_reach(row, ("move_nll_false",))
        right.errorbar(across, up, xerr=wide, yerr=high, linestyle="", **line)
    left.set_xlabel("path seen since the thing was moved, %")
    left.set_ylabel("balanced accuracy: where it is believed to be")
    left.set_xticks(share)
    left.set_ylim(0.2, 1.0)
    right.set_xlabel("log-loss of the next move, true beliefs, nats")
    right.set_ylabel("the same, false beliefs")
    for axes in (left, right):
        _clean(axes)
    figure.legend(frameon=False, fontsize=8, loc="outside right center")
    return figure


def _with_reach(row: Mapping[str, Interval], keys: tuple[str, ...]) -> tuple[list[float], list[list[float]]]:
    found = [row[key] for key in keys]
    return [v.mean for v in found], [[v.mean - v.low for v in found], [v.high - v.mean for v in found]]


def _clean(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
