"""The `mind` suite's second capability: what people value, from what they were seen to choose."""

from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.inverse_planning import ValueObserver
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.value_figure import value_figure
from jepa_social.evaluation.mind.values import (
    ACT,
    BETAS,
    OBSERVED,
    SITUATION,
    Told,
    ValueReadout,
    counted,
    counting_gain,
    inside,
    interactions,
    latents_of,
    rank_correlation,
    value_columns,
    value_logs,
    without_prior,
)
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person, known_person
from jepa_social.worlds.menus import Choices, choose

SEEN = max(OBSERVED)
NO_MEMORY = "no memory of the person"


def value_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of `<run>/mind/values.safetensors`, trained on first use."""

    def fit() -> PersonModel:
        blank = PersonModel(SITUATION, ACT, settings.width)
        return fit_person(
            blank,
            lambda step: value_logs(settings.people, settings.first_log + step),
            settings.steps,
            settings.seed,
            settings.rate,
            "values: learning from logs",
        )

    about = OmegaConf.to_container(settings)
    assert isinstance(about, dict)
    return known_person(run / "mind" / "values.safetensors", {str(k): v for k, v in about.items()}, fit)


def value_inference(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Capability B for both kinds of people.

    Rows besides ours: an untrained encoder of the same sizes (its latents read in the same way), ours with no memory of
    the person, counting, maximum likelihood without a prior, the exact observer, and the true values.

    Raises:
        ValueError: readouts would be fitted on the people that are scored.
    """
    if settings.fit_seed == settings.first_seed:
        raise ValueError("suite.value_inference: fit_seed and first_seed give the same people: set them apart")
    model = value_model(run, settings.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.model.seed)
        untrained = PersonModel(**model.sizes).eval()
    found: dict[str, Columns] = {}
    for careful, (kind, beta) in enumerate(BETAS.items()):
        fit = choose(settings.fit, SEEN + settings.unseen, beta, settings.fit_seed + careful)
        asked = choose(settings.people, SEEN + settings.unseen, beta, settings.first_seed + careful)
        for name, columns in _rows(model, untrained, fit, asked, bool(careful), kind, beta, ours).items():
            found[name] = found.get(name, {}) | columns
    shares = {f"{kind}_gap_5": (f"{kind}_nll_5", NO_MEMORY) for kind in BETAS}
    scores, gaps = summarise(found, ours, shares)
    save(value_figure(scores, ours), run / "figures" / "mind_values.png")
    return scores, gaps


@torch.no_grad()
def _rows(
    model: PersonModel,
    untrained: PersonModel,
    fit: Choices,
    asked: Choices,
    careful: bool,
    kind: str,
    beta: float,
    ours: str,
) -> dict[str, Columns]:
    unseen = slice(SEEN, asked.choice.shape[1])
    logs, latents, known = (
        interactions(asked, careful),
        latents_of(model, asked, careful),
        latents_of(model, fit, careful),
    )
    menu, zeros = asked.menu[:, unseen], torch.zeros_like(asked.values)
    readouts = {n: ValueReadout(known[:, n], fit.values) for n in OBSERVED}
    observer = ValueObserver(beta)
    posteriors = {n: observer.posterior(asked.menu[:, :n], asked.choice[:, :n]) for n in OBSERVED}

    def foretold(n: int) -> Tensor:
        one = latents[:, n, None].expand(-1, menu.shape[1], -1)
        return model.log_prob(one, logs.situation[:, unseen], logs.acts[:, unseen])

    def worth(values: Tensor, scale: float) -> Tensor:
        return (scale * torch.einsum("bmkv,bv->bmk", menu, values)).log_softmax(-1)

    def counting(n: int) -> tuple[Tensor, Tensor]:
        count = counted(asked, n)
        return count, worth(count, counting_gain(fit, n, unseen))

    def likeliest(n: int) -> tuple[Tensor, Tensor]:
        values = without_prior(asked, n, beta)
        return values, worth(values, beta)

    rows: dict[str, Told] = {
        ours: lambda n: (readouts[n](latents[:, n]), foretold(n)),
        NO_MEMORY: lambda n: (zeros, foretold(0)),
        "counting": counting,
        "maximum likelihood": likeliest,
        CEILING: lambda n: (posteriors[n].mean, posteriors[n].log_prob(menu)),
        "oracle": lambda n: (asked.values, worth(asked.values, beta)),
    }
    found = {name: value_columns(row, asked, unseen, kind) for name, row in rows.items()}
    blind, taught = latents_of(untrained, asked, careful), latents_of(untrained, fit, careful)
    found["untrained"] = {}
    for n in OBSERVED:
        guess = ValueReadout(taught[:, n], fit.values)(blind[:, n])
        found["untrained"][f"{kind}_rho_{n}"] = rank_correlation(guess, asked.values).numpy()
        within = partial(inside, truth=asked.values)
        found[ours][f"{kind}_inside_{n}"] = within(readouts[n](latents[:, n]), readouts[n].covariance)
        found[CEILING][f"{kind}_inside_{n}"] = within(posteriors[n].mean, posteriors[n].covariance)
    return found
