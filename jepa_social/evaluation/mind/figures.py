"""The picture of false belief: accuracy against how much of the path was seen, a line a row."""

from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.false_belief import SHARES
from jepa_social.evaluation.mind.scores import CEILING, KEYS
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, PERSON, TRUTH

LINES, MARKERS = ("-", "--", ":", "-."), ("s", "^", "v", "D", "x", "P", "*")


def belief_figure(scores: Mapping[str, Mapping[str, Interval]], ours: str) -> Figure:
    """Balanced accuracy with intervals; ours and the ceiling in colour, all others grey."""
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    share = [100 * s for s in SHARES]
    grey = 0
    for name, row in scores.items():
        colour, style, marker = {ours: (EGO, "-", "o"), CEILING: (TRUTH, "-", "o")}.get(
            name, (PERSON, LINES[grey % len(LINES)], MARKERS[grey % len(MARKERS)])
        )
        grey += colour == PERSON
        mean = [row[key].mean for key in KEYS]
        reach = [[row[key].mean - row[key].low for key in KEYS], [row[key].high - row[key].mean for key in KEYS]]
        axes.errorbar(share, mean, yerr=reach, color=colour, linestyle=style, marker=marker, capsize=3, label=name)
    axes.set_xlabel("path seen since the thing was moved, %")
    axes.set_ylabel("balanced accuracy: where it is believed to be")
    axes.set_xticks(share)
    axes.set_ylim(0.2, 1.0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=8, loc="outside right center")
    return figure
