"""Scores and the picture of beliefs about beliefs."""

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import SHARES
from jepa_social.evaluation.mind.figures import Rows, clean, looks, rows_against_share, with_reach
from jepa_social.evaluation.mind.scores import CEILING, TIMED, VIEW, Columns
from jepa_social.evaluation.mind.second_order import Pairs

SECOND_KEYS = tuple(f"second_{round(100 * share)}" for share in SHARES)
SPLIT = {"second_agree_25": "it is so", "second_differ_25": "it is not so", "second_neither_25": "nor is it the truth"}
"""Metric to what it is of: the first one is right about the other's belief, it is not, nor is it so of the thing."""


def second_columns(scores: list[Tensor], pairs: Pairs, likely: bool) -> Columns:
    """Accuracy at each share (cells are equally many, so it is balanced), split at 25 %, and the log-loss there.

    Args:
        scores: `[K,4]` for each share, the greatest wins; log-probabilities if `likely`.
        pairs: what was asked.
        likely: whether there is a log-loss to speak of (nats).
    """
    answer = pairs.trials.believed
    columns: Columns = {}
    for key, score in zip(SECOND_KEYS, scores, strict=True):
        columns[key] = (score.argmax(-1) == answer).double().numpy()
    hit = (scores[1].argmax(-1) == answer).double()
    apart = ~pairs.agree
    for key, rows in zip(SPLIT, (pairs.agree, apart, apart & pairs.trials.false), strict=True):
        columns[key] = torch.where(rows, hit, torch.nan).numpy()
    if likely:
        loss = -scores[1].gather(-1, answer[:, None])[:, 0].double().clamp(min=-20.0)
        columns["second_nll_25"] = loss.numpy()
        columns["second_nll_agree_25"] = torch.where(pairs.agree, loss, torch.nan).numpy()
        columns["second_nll_differ_25"] = torch.where(apart, loss, torch.nan).numpy()
    return columns


def second_order_figure(scores: Rows, ours: str) -> Figure:
    """Accuracy of what one thinks that the other believes, and at 25 % split by whether it is so, with intervals; ours
    and the ceilings in colour, all others grey."""
    figure = Figure(figsize=(12.0, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    rows_against_share(left, scores, ours, SECOND_KEYS)
    left.set_ylabel("accuracy: where it thinks that the other believes it to be")
    shown = [name for name in scores if name in (ours, "untrained", VIEW, CEILING, TIMED)]
    for i, name in enumerate(shown):
        mean, reach = with_reach(scores[name], tuple(SPLIT))
        aside = [place + 0.08 * (i - (len(shown) - 1) / 2) for place in range(len(SPLIT))]
        right.errorbar(aside, mean, yerr=reach, capsize=3, **(looks(scores, ours)[name] | {"linestyle": ""}))
    right.set_xticks(range(len(SPLIT)), list(SPLIT.values()))
    right.set_ylim(left.get_ylim())
    right.set_xlabel("what it thinks of the other's belief, after 25 % of the path")
    right.set_ylabel("accuracy")
    clean(right)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, fontsize=8, loc="outside right center")
    return figure
