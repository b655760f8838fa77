"""The picture of the closed loop at a gate: surprise, error of foreseen reactions and payoffs against encounters."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.figures import LINES, clean
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON, TRUTH

PANELS = {
    "asked": "surprise at logs nobody chose, nats",
    "off": "|error| of foreseen insisting",
    "own": "payoff of a contest for the ego",
    "others": "for the other",
}


def customs_figure(curves: Mapping[str, Mapping[str, np.ndarray]], ours: str) -> Figure:
    """Means over lives against encounters with people who push in, with the standard error of ours; readers blue, exact
    observers green."""
    figure = Figure(figsize=(12.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(2, 2).flat)
    groups: dict[str, int] = {}
    for name, one in curves.items():
        colour = EGO if name == ours else TRUTH if "exact" in name else IMAGINED if "reads" in name else PERSON
        groups[colour] = groups.get(colour, -1) + 1
        line = "--" if colour == TRUTH else LINES[groups[colour] % len(LINES)]
        line = "-" if name in (ours, CEILING) else line
        for panel, key in zip(panels, PANELS, strict=True):
            mean = torch.as_tensor(one[key]).nanmean(1).numpy()
            where = np.arange(len(mean)) + (key != "asked")
            panel.plot(where, mean, line, color=colour, label=name)
            if name == ours:
                reach = np.nanstd(one[key], axis=1) / one[key].shape[1] ** 0.5
                panel.fill_between(where, mean - reach, mean + reach, color=colour, alpha=0.15, lw=0)
    for panel, title in zip(panels, PANELS.values(), strict=True):
        panel.set_xlabel("encounters with people who push in")
        panel.set_ylabel(title)
        clean(panel)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure
