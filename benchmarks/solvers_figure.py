"""The figure of `benchmarks.solvers`: excess cost against plans judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH, WALL
from jepa_social.files import with_draft

if TYPE_CHECKING:
    from benchmarks.solvers import SolverRow

COLOURS = {"cem": EGO, "icem": IMAGINED, "mppi": TRUTH, "gradient": GOAL, "random_shooting": PERSON, "cma": WALL}


def draw(found: Sequence["SolverRow"], path: Path) -> None:
    """Curves with 95 % bands; solvers told the prior's plan are dashed, the prior alone is a dotted line."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name in dict.fromkeys(row.solver for row in found):
        mine = [row for row in found if row.solver == name]
        if len(mine) == 1:
            axes.axhline(mine[0].excess, color=WALL, linestyle=":", linewidth=1, label=name)
            continue
        plans, told = [row.plans for row in mine], " " in name
        style = ("--" if name.endswith("+ prior") else "-.") if told else "-"
        colour = COLOURS[name.split()[0]]
        axes.plot(plans, [row.excess for row in mine], style, color=colour, marker=None if told else "o",
                  markersize=3, linewidth=1.2, label=name)  # fmt: skip
        if not told:
            axes.fill_between(plans, [row.excess_low for row in mine], [row.excess_high for row in mine],
                              color=colour, alpha=0.12, linewidth=0)  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    ticks = sorted({row.plans for row in found if row.plans > 1})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("plans judged (one with its gradient counts as three)")
    axes.set_ylabel("cost above the best found")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7, ncols=2, loc="upper right", bbox_to_anchor=(1.0, 0.92))
    with_draft(path, lambda draft: figure.savefig(draft, dpi=150, format="png"))
