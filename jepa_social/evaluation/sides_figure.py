"""The picture of walking among people who pass on the other side, encounter after encounter."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.labels import label
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON, TRUTH

SHOWN = ("probe_surprise", "met_surprise", "navigation_time", "minimum_distance")


def sides_figure(curves: Mapping[str, Mapping[str, np.ndarray]], ours: str) -> Figure:
    """Forecast errors, time and distance kept, against encounters met before; means over lives and standard errors.

    Args:
        curves: of each row, metric to `[K,L]`.
        ours: the row in the ego's colour.
    """
    figure = Figure(figsize=(11.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    styles = {True: iter(("-", "--", ":")), False: iter(("--", ":", "-."))}
    for name, found in curves.items():
        reads = name.startswith("reader")
        home = name == "at home"
        colour = EGO if name == ours else TRUTH if home else IMAGINED if reads else PERSON
        style = "-" if name == ours or home else next(styles[reads])
        for panel, metric in zip(axes.flat, SHOWN, strict=True):
            values = found[metric]
            known, where = np.isfinite(values).sum(1), np.arange(len(values))
            known = np.where(known > 0, known, np.nan)
            mean = np.nansum(values, 1) / known
            reach = (np.nansum((values - mean[:, None]) ** 2, 1) / known**2) ** 0.5
            panel.plot(where, mean, style, color=colour, label=name)
            panel.fill_between(where, mean - reach, mean + reach, color=colour, alpha=0.12, lw=0)
    for panel, metric in zip(axes.flat, SHOWN, strict=True):
        about = label(metric)
        panel.set_xlabel("encounters met before")
        panel.set_ylabel(textwrap.fill(f"{about.name}, {about.unit}", 32))
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=4
    )
    return figure
