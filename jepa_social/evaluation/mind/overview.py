"""Five capabilities in one table: ours between the nearest floor and the exact observer, and the gap that is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from jepa_social.evaluation.labels import label, say_interval
from jepa_social.evaluation.mind.figures import clean
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.results import Scores
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, PERSON, TRUTH


@dataclass(frozen=True)
class Capability:
    """A row of the overview.

    Attributes:
        name: of the capability and what is measured of it.
        metric: its score.
        gap: the share of the gap between floor and exact observer; None: not measured.
        floors: rows that a sceptic would name; the best of them is the nearest.
    """

    name: str
    metric: str
    gap: str | None
    floors: Sequence[str]

    def nearest(self, scores: Scores) -> str:
        """The best floor.

        Raises:
            KeyError: no floor has the metric.
        """
        known = {
            floor: scores[floor][self.metric].mean for floor in self.floors if self.metric in scores.get(floor, {})
        }
        if not known:
            raise KeyError(f"no floor of {self.name} has {self.metric}: suite.overview names {', '.join(self.floors)}")
        return max(known, key=lambda floor: label(self.metric).better * known[floor])


def overview_table(capabilities: Sequence[Capability], scores: Scores, ours: str) -> Table:
    """One line a capability, for the terminal."""
    table = Table(title="the social mind, in one table", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("capability", ours, "nearest floor", "exact observer", "gap closed"):
        table.add_column(column, justify="left" if column == "capability" else "right")
    for one in capabilities:
        floor = one.nearest(scores)
        table.add_row(
            f"{one.name}, {label(one.metric).unit}",
            _told(scores[ours], one.metric),
            f"{_told(scores[floor], one.metric)}\n{floor}",
            _told(scores[CEILING], one.metric),
            _told(scores[ours], one.gap),
        )
    return table


def overview_figure(capabilities: Sequence[Capability], scores: Scores, ours: str) -> Figure:
    """How much of the way from its floor to the exact observer is gone, with intervals; the nearest floor beside it."""
    shown = [one for one in capabilities if one.gap]
    figure = Figure(figsize=(9.0, 0.55 * len(shown) + 1.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for row, one in enumerate(shown):
        _point(axes, scores[ours], one.gap or "", row, color=EGO, marker="o", label=ours)
        _point(
            axes,
            scores[one.nearest(scores)],
            one.gap or "",
            row + 0.25,
            color=PERSON,
            marker="s",
            label="nearest floor",
        )
    axes.axvline(100, color=TRUTH, label=CEILING)
    axes.axvline(0, color=PERSON, linestyle=":", label="floor of the suite's protocol")
    axes.set_yticks(range(len(shown)), [one.name for one in shown])
    axes.invert_yaxis()
    axes.set_xlabel("gap closed, %")
    clean(axes)
    handles, names = axes.get_legend_handles_labels()
    seen = dict(zip(names, handles, strict=True))
    figure.legend(seen.values(), seen.keys(), frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure


def _point(axes, row: Mapping[str, Interval], gap: str, height: float, **look: str) -> None:
    if gap not in row:
        return
    one = row[gap]
    reach = [[100 * (one.mean - one.low)], [100 * (one.high - one.mean)]]
    axes.errorbar([100 * one.mean], [height], xerr=reach, linestyle="", capsize=3, **look)


def _told(row: Mapping[str, Interval], metric: str | None) -> str:
    if metric is None or metric not in row or not row[metric].n:
        return "–"
    return say_interval(row[metric], metric)
