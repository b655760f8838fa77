"""The picture of villagers' values: foretold ends of errands, and inferred values, against errands seen."""

from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.errand_values import OBSERVED
from jepa_social.evaluation.mind.figures import clean, looks, with_reach
from jepa_social.evaluation.statistics import Interval

PANELS = {
    "trips_nll": "nats at where errands not seen end",
    "trips_kinds": "rank correlation, weights of kinds",
    "trips_svo": "rank correlation, social value orientation",
}


def errand_figure(scores: Mapping[str, Mapping[str, Interval]], ours: str) -> Figure:
    """Three scores against errands seen, with intervals over people."""
    figure = Figure(figsize=(14.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    for name, look in looks(scores, ours).items():
        for axes, (score, title) in zip(panels, PANELS.items(), strict=True):
            if f"{score}_{OBSERVED[-1]}" in scores[name]:
                mean, reach = with_reach(scores[name], [f"{score}_{n}" for n in OBSERVED])
                axes.errorbar(range(len(OBSERVED)), mean, yerr=reach, capsize=3, label=name, **look)
            axes.set_ylabel(title)
    for axes in panels:
        axes.set_xticks(range(len(OBSERVED)), [str(n) for n in OBSERVED])
        axes.set_xlabel("errands of a villager that were seen")
        clean(axes)
    handles = {name: handle for axes in panels for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), frameon=False, fontsize=8, loc="outside lower center", ncols=6)
    return figure
