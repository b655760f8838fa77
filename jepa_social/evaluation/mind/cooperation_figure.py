"""The picture of cooperation: how it grows in villages of learners, and what an ego among them brings to whom."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.cooperation import COINS, FACES, STRANGERS
from jepa_social.evaluation.mind.figures import Rows, clean, looks, with_reach
from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH

COLOURS = (IMAGINED, GOAL, TRUTH, EGO)


def cooperation_figure(curves: Mapping[str, np.ndarray], scores: Rows, ours: str) -> Figure:
    """Left: cooperation day by day, a colour a rule, dashed if people do not tell each other apart, dotted if they are
    strangers every day. Right: what each ego's contests bring it and the other, with intervals."""
    figure = Figure(figsize=(13.0, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    rules = [name for name in curves if ", " not in name and name != COINS]
    colour = dict(zip(rules, COLOURS, strict=False)) | {COINS: PERSON}
    for name, curve in curves.items():
        line = "--" if name.endswith(FACES) else ":" if name.endswith(STRANGERS) else "-"
        shown = name if name in colour else None
        mean = 100 * torch.as_tensor(curve).nanmean(0).numpy()
        left.plot(1 + np.arange(len(mean)), mean, line, color=colour[name.split(", ")[0]], label=shown)
    left.plot([], [], "--", color="0.4", label=FACES)
    left.plot([], [], ":", color="0.4", label=STRANGERS)
    left.set_xlabel("day")
    left.set_ylabel("contests without a clash, %")
    left.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
    egos = {name: row for name, row in scores.items() if "ego_both" in row}
    for name, look in looks(egos, ours).items():
        across, wide = with_reach(scores[name], ("ego_own",))
        up, high = with_reach(scores[name], ("ego_others",))
        front = {ours: 4, CEILING: 3}.get(name, 2)
        right.errorbar(across, up, xerr=wide, yerr=high, label=name, zorder=front, **(look | {"linestyle": ""}))
    right.set_xlabel("payoff of a contest for the ego")
    right.set_ylabel("for the other")
    right.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    clean(left)
    clean(right)
    return figure
