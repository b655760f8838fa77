"""The picture of four situations: how errors fall, in which situation what is left, and what comes of acting on it."""

from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.figures import clean, looks, with_reach
from jepa_social.evaluation.mind.reward_figure import draw_conduct
from jepa_social.evaluation.mind.tolerance import ASKED
from jepa_social.evaluation.statistics import Interval
from jepa_social.worlds.tolerance import SITUATIONS

LATE = ASKED[-2]
NAMES = ("cut off", "crowded", "helped,\nasked for", "helped,\nunasked")


def tolerance_figure(scores: Mapping[str, Mapping[str, Interval]], ours: str) -> Figure:
    """Left: |error| of the expected evaluation against interactions. Middle: after 20, by situation. Right: own
    return and welfare of an ego that follows it."""
    figure = Figure(figsize=(14.0, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    look = looks(scores, ours)
    minds = [name for name, row in scores.items() if f"judged_{LATE}" in row and name != "oracle"]
    for i, name in enumerate(minds):
        mean, reach = with_reach(scores[name], [f"judged_{n}" for n in ASKED])
        left.errorbar(range(len(ASKED)), mean, yerr=reach, capsize=3, label=name, **look[name])
        mean, reach = with_reach(scores[name], [f"judged_{place}_{LATE}" for place in SITUATIONS])
        across = [x + 0.08 * (i - (len(minds) - 1) / 2) for x in range(len(SITUATIONS))]
        middle.errorbar(across, mean, yerr=reach, capsize=2, **(look[name] | {"linestyle": ""}))
    left.set_xticks(range(len(ASKED)), [str(n) for n in ASKED])
    left.set_xlabel("interactions with people unlike those of the past")
    left.set_ylabel("|error| of what I believe they think")
    middle.set_xticks(range(len(SITUATIONS)), NAMES)
    middle.set_xlabel(f"after {LATE} interactions")
    for axes in (left, middle):
        axes.set_ylim(bottom=0)
        clean(axes)
    draw_conduct(right, scores, ours, "acted_own", "acted_welfare")
    for name, row in scores.items():
        if name not in minds and "acted_own" in row:
            place = (row["acted_own"].mean, row["acted_welfare"].mean)
            right.annotate(name, place, xytext=(8, 6), textcoords="offset points", fontsize=8)
    right.margins(x=0.15)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure
