"""Success against discomfort against time: which policies nobody beats in all three at once."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from jepa_social.evaluation.figures import small_multiples
from jepa_social.evaluation.labels import label
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.style import EGO, PERSON

AXES = ("success", "discomfort", "navigation_time")
MARKERS = "osDv^<>PXhp*"


def pareto_front(scores: Scores, metrics: Sequence[str] = AXES) -> list[str]:
    """Policies that no other beats: none is at least as good in the mean of every metric and better in one.

    Policies that lack one of the metrics (who never arrives has no time) are left out.
    """
    means = {
        policy: [label(m).better * row[m].mean for m in metrics]
        for policy, row in scores.items()
        if all(m in row and row[m].n for m in metrics)
    }

    def beaten(mine: list[float]) -> bool:
        return any(all(t >= m for t, m in zip(them, mine, strict=True)) and them != mine for them in means.values())

    return [policy for policy, mine in means.items() if not beaten(mine)]


def pareto_figure(scores: Scores, ours: str = "jepa", metrics: Sequence[str] = AXES) -> Figure:
    """Every pair of the metrics, a point with its 95 % intervals a policy; those on the front of all are filled."""
    front = pareto_front(scores, metrics)
    pairs = [(a, b) for i, a in enumerate(metrics) for b in metrics[i + 1 :]]
    figure, panels = small_multiples(len(pairs), square=False)
    figure.set_size_inches(4.0 * len(pairs), 4.2)
    marks = [MARKERS[i % len(MARKERS)] for i in range(len(scores))]
    for panel, (a, b) in zip(panels, pairs, strict=True):
        for mark, (policy, row) in zip(marks, scores.items(), strict=True):
            if any(m not in row or not row[m].n for m in (a, b)):
                continue
            colour = EGO if policy == ours else PERSON
            (x, wide), (y, high) = (_point(row, m) for m in (a, b))
            panel.errorbar(
                x, y, xerr=wide, yerr=high, fmt=mark, color=colour, markersize=8, elinewidth=1.2, alpha=0.9,
                markerfacecolor=colour if policy in front else "white", label=policy, zorder=3 + (policy == ours),
            )  # fmt: skip
        for metric, axis in ((a, panel.xaxis), (b, panel.yaxis)):
            unit = f" ({label(metric).unit})" if label(metric).unit else ""
            better = {1: "more is better", -1: "less is better", 0: ""}[label(metric).better]
            axis.set_label_text(f"{label(metric).name}{unit}, {better}", fontsize=9)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    found = {name: handle for panel in panels for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(
        found.values(), found.keys(), loc="outside lower center", ncols=min(4, len(found)), frameon=False, fontsize=8
    )
    figure.suptitle(
        "filled: no policy is better in all three (times are of successes only)", fontsize=9, x=0.01, ha="left"
    )
    return figure


def _point(row: dict, metric: str) -> tuple[float, list[list[float]]]:
    """Mean and distances to both ends of its interval, in the unit that people read."""
    scale, interval = 100.0 if label(metric).unit == "%" else 1.0, row[metric]
    ends = max(interval.mean - interval.low, 0.0), max(interval.high - interval.mean, 0.0)
    return scale * interval.mean, [[scale * end] for end in ends]
