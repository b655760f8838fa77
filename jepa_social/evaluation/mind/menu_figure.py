"""The picture of what people choose from: what each feature looks like, and a few menus with what was taken."""

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.style import EGO
from jepa_social.worlds.menu_pictures import paint_things
from jepa_social.worlds.menus import OPTIONS, VALUES, Choices

ATTRIBUTES = ("hue", "size", "elongation", "stripes", "brightness")
STEPS, MENUS = 7, 5
"""Of each feature from -2 to 2; and choices shown."""


def menu_figure(choices: Choices, side: int) -> Figure:
    """Left: a row a feature, all others 0; right: the first choices of the first person, what was taken framed."""
    swept = torch.zeros(VALUES, STEPS, VALUES)
    for v in range(VALUES):
        swept[v, :, v] = torch.linspace(-2, 2, STEPS)
    left = paint_things(swept.flatten(0, 1), side, choices.seed).unflatten(0, (VALUES, STEPS))
    right = paint_things(choices.menu[0, :MENUS].flatten(0, 1), side, choices.seed).unflatten(0, (MENUS, OPTIONS))
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(max(VALUES, MENUS), STEPS + OPTIONS + 1)
    for line in range(VALUES):
        for place in range(STEPS):
            _show(figure.add_subplot(grid[line, place]), left[line, place])
        figure.axes[-STEPS].set_ylabel(ATTRIBUTES[line], fontsize=9)
    figure.axes[0].set_title("feature −2", fontsize=9, loc="left")
    figure.axes[STEPS - 1].set_title("2", fontsize=9)
    for line, choice in enumerate(choices.choice[0, :MENUS].tolist()):
        for place in range(OPTIONS):
            one = figure.add_subplot(grid[line, STEPS + 1 + place])
            _show(one, right[line, place])
            if place == choice:
                one.spines[:].set(visible=True, color=EGO, linewidth=3)
            if (line, place) == (0, 0):
                one.set_title("on offer, and what was taken", fontsize=9, loc="left")
    return figure


def _show(axes: Axes, picture: Tensor) -> None:
    axes.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
