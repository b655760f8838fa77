"""The picture of value inference: what n choices tell of values, and of choices to come."""

from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jepa_social.evaluation.mind.scores import CEILING
from jepa_social.evaluation.mind.values import BETAS, BLIND, NO_MEMORY, OBSERVED, TOLD
from jepa_social.evaluation.statistics import Interval
from jepa_social.evaluation.style import EGO, GOAL, IMAGINED, PERSON, TRUTH

LOOKS = {
    CEILING: (TRUTH, "-", "o"),
    "counting": (IMAGINED, "--", "s"),
    "maximum likelihood": (GOAL, "--", "^"),
    "untrained": (PERSON, ":", "v"),
    NO_MEMORY: (PERSON, "-.", "D"),
    TOLD: (EGO, "--", "x"),
    BLIND: (IMAGINED, ":", "P"),
}
"""Colour, line and marker of every row that is drawn, ours apart."""


def value_figure(scores: Mapping[str, Mapping[str, Interval]], ours: str) -> Figure:
    """Left: rank correlation of inferred with true values; right: log-loss of unseen choices; below: careful people."""
    figure = Figure(figsize=(9.5, 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(BETAS), 2, squeeze=False)
    looks = {ours: (EGO, "-", "o"), **LOOKS}
    place = range(len(OBSERVED))
    for line, (kind, beta) in enumerate(BETAS.items()):
        for column, score in enumerate(("rho", "nll")):
            one = axes[line, column]
            for name, (colour, style, marker) in looks.items():
                points = [scores.get(name, {}).get(f"{kind}_{score}_{n}") for n in OBSERVED]
                known = [(i, p) for i, p in zip(place, points, strict=True) if p is not None]
                if not known:
                    continue
                mean = [p.mean for _, p in known]
                reach = [[p.mean - p.low for _, p in known], [p.high - p.mean for _, p in known]]
                where = [i for i, _ in known]
                one.errorbar(
                    where, mean, reach, color=colour, linestyle=style, marker=marker, ms=4, capsize=2, label=name
                )
            one.set_xticks(place, [str(n) for n in OBSERVED])
            one.set_title(f"{kind} people (β = {beta:g})", fontsize=10)
            one.grid(alpha=0.25)
            one.spines[["top", "right"]].set_visible(False)
        axes[line, 0].set_ylabel("rank correlation with true values")
        axes[line, 1].set_ylabel("log-loss of unseen choices, nats")
        axes[line, 1].axhline(scores["oracle"][f"{kind}_nll_0"].mean, color=TRUTH, lw=1, ls=":", label="true values")
        axes[line, 1].set_ylim(top=1.7)
    for one in axes[-1]:
        one.set_xlabel("choices seen of a new person")
    handles, labels = axes[0, 1].get_legend_handles_labels()
    more, names = axes[0, 0].get_legend_handles_labels()
    extra = [(h, n) for h, n in zip(more, names, strict=True) if n not in labels]
    figure.legend(
        [*handles, *(h for h, _ in extra)],
        [*labels, *(n for _, n in extra)],
        frameon=False,
        fontsize=8,
        loc="outside lower center",
        ncols=4,
    )
    return figure
