"""The picture of the closed loop: round by round with one population, cohort by cohort with another."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.encounters import Encounters
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.mind.shift import Life
from jepa_social.evaluation.style import EGO, IMAGINED, PERSON, TRUTH

WINDOW = 5


def loop_figure(played: Mapping[str, Encounters], lives: Mapping[str, list[Life]], ours: str) -> Figure:
    """Acceptance and surprise: above against rounds (means of 5), below in rounds 1–3 against cohorts of people unlike
    those of the logs (with standard errors over egos)."""
    figure = Figure(figsize=(11.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    dashes = ("-", "--", ":", "-.")
    for name, one in played.items():
        colour = {ours: EGO, CEILING: TRUTH, "oracle": TRUTH}.get(name, IMAGINED if "reader" in name else PERSON)
        same = [other for other in played if other not in (ours, CEILING) and ("reader" in other) == ("reader" in name)]
        line = "-" if name in (ours, CEILING) else dashes[same.index(name) % len(dashes)]
        for panel, values in ((axes[0, 0], one.accepted.double()), (axes[0, 1], one.surprise.double())):
            curve = np.convolve(values.mean(0).numpy(), np.ones(WINDOW) / WINDOW, mode="valid")
            panel.plot(np.arange(len(curve)) + (WINDOW + 1) / 2, curve, line, color=colour, label=name)
    for panel, title in zip(axes[0], ("offers accepted", "surprise, nats"), strict=True):
        _dress(panel, "round with a partner", title)
    for name, some in lives.items():
        colour = {ours: EGO}.get(name, IMAGINED if "context" in name else PERSON)
        label = f"{name} + gradient" if name == ours else name
        accepted = np.array([[float(c.accepted[:, :3].double().mean()) for c in life.cohorts] for life in some])
        surprise = np.array([[float(c.surprise[:, :3].double().mean()) for c in life.cohorts] for life in some])
        for panel, values in zip(axes[1], (accepted, surprise), strict=True):
            where = np.arange(1, values.shape[1] + 1)
            panel.plot(where, values.mean(0), "-o", ms=4, color=colour, label=label)
            if len(some) > 1:
                reach = values.std(0, ddof=1) / len(some) ** 0.5
                panel.fill_between(
                    where, values.mean(0) - reach, values.mean(0) + reach, color=colour, alpha=0.15, lw=0
                )
    for panel, title in zip(axes[1], ("accepted, rounds 1–3", "surprise in rounds 1–3, nats"), strict=True):
        _dress(panel, "cohort of another population", title)
    axes[0, 1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[1, 1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _dress(panel: Axes, across: str, up: str) -> None:
    panel.set_xlabel(across)
    panel.set_ylabel(up)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
