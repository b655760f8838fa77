"""The picture of a change: how much worse each row foretells than who knows the character, around the switch."""

from collections.abc import Mapping

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.mind.change import SMOOTHED, SWITCH, told
from jepa_social.evaluation.mind.figures import LINES
from jepa_social.evaluation.mind.reactive import TIMES
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH
from jepa_social.worlds.partners import ChoiceLogs

COLOURS = {"gradient steps alone": IMAGINED, "context and gradient steps": GOAL}
STYLES = (*LINES, (0, (1, 4)))


def change_figure(
    losses: Mapping[str, Tensor], people: ChoiceLogs, scores: Mapping[str, Mapping[str, Interval]], ours: str
) -> Figure:
    """Left: excess log-loss against interactions since the switch. Right: what is foreseen of reactive partners."""
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    known, grey = told(people), 0
    for name, loss in losses.items():
        curve = (loss - known).mean(0)
        shown = torch.nn.functional.avg_pool1d(curve[None, None], SMOOTHED, 1)[0, 0]
        colour = COLOURS.get(name, {ours: EGO, CEILING: TRUTH}.get(name, PERSON))
        style = STYLES[grey % len(STYLES)] if colour == PERSON else "--" if colour == GOAL else "-"
        grey += colour == PERSON
        since = torch.arange(len(shown)) + SMOOTHED // 2 - SWITCH + 1
        left.plot(since, shown, color=colour, linestyle=style, label=name, zorder=2 + (colour != PERSON))
    left.axvline(0.5, color="0.8", zorder=1)
    left.set_xlabel(f"interaction since they changed (mean of {SMOOTHED})")
    left.set_ylabel("log-loss beyond who knows them, nats")
    left.set_xlim(-30, 60)
    left.set_ylim(-0.05, 1.9)
    for name, colour, marker in ((CEILING, TRUTH, "s"), (ours, EGO, "o"), ("static partner", PERSON, "^")):
        row = [scores[name][f"react_{k}"] for k in TIMES]
        reach = [[one.mean - one.low for one in row], [one.high - one.mean for one in row]]
        mean = [one.mean for one in row]
        label = "true" if name == CEILING else name
        right.errorbar(TIMES, mean, yerr=reach, color=colour, marker=marker, capsize=3, label=label)
    right.set_xlabel("k, times that the ego does the same")
    right.set_ylabel("P(cooperates | I cooperate) - P(… | I defect)")
    right.set_xticks(TIMES)
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=8)
    return figure
