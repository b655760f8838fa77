"""The picture of what people choose from: what each feature looks like, and a few menus with what was taken."""

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.style import EGO
from jepa_social.worlds.menu_pictures import ATTRIBUTES, paint_things
from jepa_social.worlds.menus import OPTIONS, VALUES, Choices

STEPS, MENUS = 7, 5
"""Of each feature from -2 to 2; and choices shown."""


def menu_figure(choices: Choices, side: int) -> Figure:
    """Left: a row a feature, all others 0; right: the first choices of the first person, what was taken framed."""
    swept = torch.zeros(VALUES, STEPS, VALUES)
    for v in range(VALUES):
        swept[v, :, v] = torch.linspace(-2, 2, STEPS)
    left = paint_things(swept.flatten(0, 1), side, choices.seed).unflatten(0, (VALUES, STEPS))
    right = paint_things(choices.menu[0, :MENUS].flatten(0, 1), side, choices.seed).unflatten(0, (MENUS, OPTIONS))
    figure = Figure(figsize=(9.5, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    looks, menus = figure.subfigures(1, 2, squeeze=False, width_ratios=[STEPS, OPTIONS + 0.3])[0]
    looks.suptitle("a thing whose feature goes from −2 to 2", fontsize=10)
    menus.suptitle("on offer, and what one person took", fontsize=10)
    for line, row in enumerate(looks.subplots(VALUES, STEPS)):
        row[0].set_ylabel(ATTRIBUTES[line], fontsize=9)
        for one, picture in zip(row, left[line], strict=True):
            _show(one, picture)
    for row, pictures, taken in zip(menus.subplots(MENUS, OPTIONS), right, choices.choice[0, :MENUS], strict=True):
        for one, picture in zip(row, pictures, strict=True):
            _show(one, picture)
        row[int(taken)].spines[:].set(visible=True, color=EGO, linewidth=3)
    return figure


def _show(axes: Axes, picture: Tensor) -> None:
    axes.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
