"""The `mind` suite's second capability: what people value, from what they were seen to choose."""

from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.inverse_planning import ValueObserver
from jepa_social.evaluation.mind.menu_figure import menu_figure
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.value_figure import value_figure
from jepa_social.evaluation.mind.values import (
    BETAS,
    BLIND,
    NO_MEMORY,
    OBSERVED,
    TOLD,
    Told,
    ValueReadout,
    counted,
    counting_gain,
    inside,
    interactions,
    latents_of,
    rank_correlation,
    sights,
    value_columns,
    without_prior,
)
from jepa_social.models.onlooker import Onlooker, Sights
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.models.pixels import Pixels
from jepa_social.stages.person import untrained
from jepa_social.stages.value_models import onlooker, value_model
from jepa_social.worlds.menus import Choices, choose

SEEN = max(OBSERVED)
Views = tuple[Interactions, Interactions]
"""What a model makes of the people that its readouts are fitted on, and of those that are scored."""


def value_inference(run: Path, settings: DictConfig, ours: str, pixels: Pixels | None = None) -> Scored:
    """Capability B for both kinds of people.

    Rows besides ours: an untrained encoder of the same sizes (its latents read in the same way), no memory of the
    person, counting, maximum likelihood without a prior, the exact observer, and the true values. With `pixels` ours
    sees pictures of what is on offer; rows are then also the model that is told features (the floor without memory is
    its), ours trained with eyes that stay as they were drawn, and how much of the told one's gap from that floor each
    keeps. All others read features.

    Raises:
        ValueError: readouts would be fitted on the people that are scored.
    """
    if settings.fit_seed == settings.first_seed:
        raise ValueError("suite.value_inference: fit_seed and first_seed give the same people: set them apart")
    told, told_name = value_model(run, settings.model), ours if pixels is None else TOLD
    looking: dict[str, Onlooker] = {}
    if pixels is not None:
        looking = {
            ours: onlooker(run, settings.pixels, pixels),
            BLIND: onlooker(run, settings.pixels, pixels, eyes=False),
        }
    blank = untrained(told, settings.model.seed)
    found: dict[str, Columns] = {}
    for careful, (kind, beta) in enumerate(BETAS.items()):
        fit = choose(settings.fit, SEEN + settings.unseen, beta, settings.fit_seed + careful)
        asked = choose(settings.people, SEEN + settings.unseen, beta, settings.first_seed + careful)
        views = interactions(fit, bool(careful)), interactions(asked, bool(careful))
        rows = _references(fit, asked, kind, beta)
        rows |= {told_name: _learned(told, views, fit, asked, kind)}
        rows |= {"untrained": _ranks(blank, views, fit, asked, kind)}
        rows |= {NO_MEMORY: _forgetful(rows[told_name], kind)}
        if pixels is not None:
            seen = [sights(some, bool(careful), pixels.side) for some in (fit.until(SEEN), asked)]
            rows |= {name: _learned(model, _looked(model, seen), fit, asked, kind) for name, model in looking.items()}
        for name, columns in rows.items():
            found[name] = found.get(name, {}) | columns
    shares = {f"{kind}_gap_5": (f"{kind}_nll_5", NO_MEMORY) for kind in BETAS}
    if pixels is not None:
        shares |= {f"{kind}_kept_{n}": (f"{kind}_nll_{n}", NO_MEMORY, TOLD) for kind in BETAS for n in OBSERVED[1:]}
        save(menu_figure(asked, pixels.side), run / "figures" / "mind_menus.png")
    scores, gaps = summarise(found, ours, shares)
    save(value_figure(scores, ours), run / "figures" / "mind_values.png")
    return scores, gaps


@torch.no_grad()
def _looked(model: Onlooker, seen: list[Sights]) -> Views:
    return model.see(seen[0]), model.see(seen[1])


@torch.no_grad()
def _learned(model: PersonModel, views: Views, fit: Choices, asked: Choices, kind: str) -> Columns:
    """A model that was trained on logs: its forecasts of choices, and values read off its latents."""
    unseen = slice(SEEN, asked.choice.shape[1])
    logs, known, latents = views[1], latents_of(model, views[0]), latents_of(model, views[1])
    readouts = {n: ValueReadout(known[:, n], fit.values) for n in OBSERVED}

    def told(n: int) -> tuple[Tensor, Tensor]:
        one = latents[:, n, None].expand(-1, logs.choice[:, unseen].shape[1], -1)
        return readouts[n](latents[:, n]), model.log_prob(one, logs.situation[:, unseen], logs.acts[:, unseen])

    columns = value_columns(told, asked, unseen, kind)
    for n in OBSERVED:
        guess = readouts[n](latents[:, n])
        columns[f"{kind}_inside_{n}"] = inside(guess, readouts[n].covariance, asked.values)
    return columns


@torch.no_grad()
def _ranks(model: PersonModel, views: Views, fit: Choices, asked: Choices, kind: str) -> Columns:
    """A model that nobody trained: values read off its latents, and nothing else."""
    known, latents = latents_of(model, views[0]), latents_of(model, views[1])
    return {
        f"{kind}_rho_{n}": rank_correlation(ValueReadout(known[:, n], fit.values)(latents[:, n]), asked.values).numpy()
        for n in OBSERVED
    }


def _forgetful(columns: Columns, kind: str) -> Columns:
    """The same model if it never remembers anybody: what it says of strangers."""
    metrics = ("nll", "accuracy", "overconfidence")
    said = {f"{kind}_{metric}_{n}": columns[f"{kind}_{metric}_0"] for metric in metrics for n in OBSERVED}
    return said | {f"{kind}_rho_{n}": np.zeros(len(columns[f"{kind}_rho_0"])) for n in OBSERVED}


def _references(fit: Choices, asked: Choices, kind: str, beta: float) -> dict[str, Columns]:
    """Rows that read features and learn nothing from logs."""
    unseen = slice(SEEN, asked.choice.shape[1])
    menu, observer = asked.menu[:, unseen], ValueObserver(beta)
    posteriors = {n: observer.posterior(asked.menu[:, :n], asked.choice[:, :n]) for n in OBSERVED}

    def worth(values: Tensor, scale: float) -> Tensor:
        return (scale * torch.einsum("bmkv,bv->bmk", menu, values)).log_softmax(-1)

    def counting(n: int) -> tuple[Tensor, Tensor]:
        count = counted(asked, n)
        return count, worth(count, counting_gain(fit, n, unseen))

    def likeliest(n: int) -> tuple[Tensor, Tensor]:
        values = without_prior(asked, n, beta)
        return values, worth(values, beta)

    rows: dict[str, Told] = {
        "counting": counting,
        "maximum likelihood": likeliest,
        CEILING: lambda n: (posteriors[n].mean, posteriors[n].log_prob(menu)),
        "oracle": lambda n: (asked.values, worth(asked.values, beta)),
    }
    found = {name: value_columns(row, asked, unseen, kind) for name, row in rows.items()}
    for n, posterior in posteriors.items():
        found[CEILING][f"{kind}_inside_{n}"] = inside(posterior.mean, posterior.covariance, asked.values)
    return found
