"""The picture of when one needs to act: what readers of others' logs know in the end, beside those who act."""

from collections.abc import Sequence

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.reading import Ends, Settled
from jepa_social.evaluation.statistics import Interval, bootstrap_mean
from jepa_social.evaluation.style import EGO, PERSON, TRUTH

ACROSS = {
    "alike": "how much alike the partner treats whoever made the log and me",
    "habit": "how strong the habit is of whoever made the log",
}
UP = {"accept": "offers accepted", "probe": "surprise on a fixed probe set, nats"}


def reading_figure(ends: Sequence[Ends], ours: str) -> Figure:
    """Acceptance in fresh menus and surprise on random offers once everything has been read, or done.

    Args:
        ends: of each training seed.
        ours: the name of the learned row.
    """
    figure = Figure(figsize=(11.0, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2, sharey="row")
    rows = {"learned": (ours, EGO, "-"), "exact": ("exact observer", TRUTH, "-")}
    acting = rows | {"frozen": (f"{ours}, frozen after 5", PERSON, "--")}
    for line, (metric, up) in enumerate(UP.items()):
        for panel, (varied, across) in zip(axes[line], ACROSS.items(), strict=True):
            for who, (name, colour, style) in acting.items():
                done = _interval([one["acting"][who][1.0] for one in ends], metric)
                panel.axhline(done.mean, color=colour, ls="--" if style == "-" else ":", lw=1, label=f"{name}, acting")
                panel.axhspan(done.low, done.high, color=colour, alpha=0.12, lw=0)
            steps = list(ends[0][varied]["exact"])
            for who, (name, colour, style) in rows.items():
                amount = list(ends[0][varied][who])
                told = [_interval([one[varied][who][c] for one in ends], metric) for c in amount]
                mean = [one.mean for one in told]
                reach = [[one.mean - one.low for one in told], [one.high - one.mean for one in told]]
                where = [steps.index(c) for c in amount]
                panel.errorbar(
                    where, mean, reach, color=colour, ls=style, marker="o", ms=4, capsize=2, label=f"{name}, reading"
                )
            panel.set_xticks(range(len(steps)), [f"{c:g}" for c in steps])
            panel.set_xlabel(across)
            panel.grid(alpha=0.25)
            panel.spines[["top", "right"]].set_visible(False)
        axes[line, 0].set_ylabel(up)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=8, loc="outside lower center", ncols=3)
    return figure


def _interval(some: Sequence[Settled], metric: str) -> Interval:
    return bootstrap_mean(torch.cat([getattr(one, metric) for one in some]).double().numpy())
