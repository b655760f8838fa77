"""The picture of getting acquainted with a crowd."""

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.answers import Answers
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON, TRUTH


def encounters_figure(lives: Mapping[str, list[list[float]]], asked: Answers, ours: str) -> Figure:
    """Against cohorts met: how much people are thought to mind (and do), and the error of what is expected of them.

    Lines are means over lives, bands their standard errors.
    """
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    styles = {True: iter(("-", "--", ":")), False: iter(("--", ":", "-.", "-"))}
    for name, thoughts in lives.items():
        reads = "reader" in name
        colour = EGO if name == ours else IMAGINED if reads else PERSON
        style = "-" if name == ours else next(styles[reads])
        minds = np.array(thoughts)
        error = np.array([[asked.columns(m)["answer_error"].mean() for m in thought] for thought in thoughts])
        for panel, values in ((left, minds), (right, error)):
            mean, where = values.mean(0), np.arange(values.shape[1])
            panel.plot(where, mean, style, color=colour, label=name)
            if len(values) > 1:
                reach = values.std(0, ddof=1) / len(values) ** 0.5
                panel.fill_between(where, mean - reach, mean + reach, color=colour, alpha=0.15, lw=0)
    left.axhline(asked.slope, color=TRUTH, label="they do")
    right.axhline(asked.columns(asked.slope)["answer_error"].mean(), color=TRUTH)
    left.set_ylabel("how much people mind, in units of the logs' people")
    right.set_ylabel("error of the change expected of my act, cm")
    for panel in (left, right):
        panel.set_xlabel("cohorts met")
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    return figure
