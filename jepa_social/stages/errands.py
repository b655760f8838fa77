"""The `mind` suite's values of villagers, inferred from errands in the grid world."""

from pathlib import Path

import torch
from omegaconf import DictConfig

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.errand_figure import errand_figure
from jepa_social.evaluation.mind.errand_observer import Belief, ends, observe
from jepa_social.evaluation.mind.errand_values import (
    ACT,
    OBSERVED,
    SEEN,
    SITUATION,
    CountedErrands,
    as_interactions,
    counted,
    errand_columns,
)
from jepa_social.evaluation.mind.scores import CEILING, Columns, Scored, summarise
from jepa_social.evaluation.mind.values import NO_MEMORY, ValueReadout, latents_of
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.stages.person import fit_person, known_person, plain, untrained
from jepa_social.worlds.village.errands import Errands, draw_values, run_errands


def errands(run: Path, settings: DictConfig, ours: str) -> Scored:
    """Rows besides ours: an untrained encoder (its latents read in the same way), no memory of the person, counting,
    exact inverse planning, and the true values.

    Models see where errands end, the exact observer every step. The model is kept in `run / "mind"`, the figure in
    `run / "figures"`.

    Raises:
        ValueError: seeds of training, of readouts and of scores overlap.
    """
    trips = SEEN + settings.unseen
    starts = {settings.first_seed: settings.people, settings.fit_seed: settings.fit, settings.log_seed: settings.logged}
    for one, people in starts.items():
        if len(starts) < 3 or any(one <= other < one + people * trips for other in starts if other != one):
            raise ValueError("suite.errands: first_seed, fit_seed and log_seed overlap: set them further apart")
    model = villager_model(run, settings)
    fit = met(settings.fit, trips, settings.fit_seed)
    asked = met(settings.people, trips, settings.first_seed)
    found: dict[str, Columns] = {
        ours: _learned(model, fit, asked),
        "untrained": _learned(untrained(model, settings.seed), fit, asked, foretells=False),
        "counting": _counting(fit, asked),
        CEILING: _exact(asked),
    }
    found[NO_MEMORY] = {f"trips_nll_{n}": found[ours]["trips_nll_0"] for n in OBSERVED}
    truth = Belief(asked.values[:, None], torch.ones(len(asked.values), 1))
    told = errand_columns(0, asked[:, SEEN:], ends(truth, asked[:, SEEN:], 1), None)
    found["oracle"] = {f"trips_nll_{n}": told["trips_nll_0"] for n in OBSERVED}
    shares = {f"trips_gap_{n}": (f"trips_nll_{n}", NO_MEMORY) for n in OBSERVED[1:]}
    scores, gaps = summarise(found, ours, shares)
    save(errand_figure(scores, ours), run / "figures" / "mind_errands.png")
    return scores, gaps


def met(people: int, trips: int, seed: int) -> Errands:
    """Villagers, and their errands."""
    return run_errands(draw_values(people, seed), trips, seed)


def villager_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of where errands end, `<run>/mind/errands.safetensors`, from logs of other villagers."""

    def fit() -> PersonModel:
        every, count = as_interactions(met(settings.logged, SEEN + 1, settings.log_seed)), settings.batch

        def some(step: int) -> Interactions:
            chance = torch.Generator().manual_seed(settings.log_seed + step)
            return every[torch.randint(len(every.choice), (count,), generator=chance)]

        blank = PersonModel(SITUATION, ACT, width=settings.width, depth=2, heads=4)
        return fit_person(blank, some, settings.steps, settings.seed, settings.rate, "villagers on errands")

    trained = plain(settings, "people", "unseen", "first_seed", "fit", "fit_seed")
    return known_person(run / "mind" / "errands.safetensors", trained, fit, PersonModel)


@torch.no_grad()
def _learned(model: PersonModel, fit: Errands, asked: Errands, foretells: bool = True) -> Columns:
    logs, columns = as_interactions(asked), Columns()
    known, latents = latents_of(model, as_interactions(fit)), latents_of(model, logs)
    for n in OBSERVED:
        readout = ValueReadout(known[:, n], fit.values)
        one = latents[:, n, None].expand(-1, asked.choice.shape[1] - SEEN, -1)
        odds = model.log_prob(one, logs.situation[:, SEEN:], logs.acts[:, SEEN:]) if foretells else None
        columns |= errand_columns(n, asked[:, SEEN:], odds, readout(latents[:, n]))
    return columns


def _counting(fit: Errands, asked: Errands) -> Columns:
    columns = Columns()
    for n in OBSERVED:
        often = counted(asked[:, :n])
        silent = torch.zeros_like(often[:, :1])
        columns |= errand_columns(
            n, asked[:, SEEN:], CountedErrands(fit, n).log_prob(asked), torch.cat((often, silent), 1)
        )
    return columns


def _exact(asked: Errands) -> Columns:
    columns = Columns()
    for n in OBSERVED:
        belief = observe(asked[:, :n])
        found = belief.mean if n else torch.zeros_like(belief.mean)
        columns |= errand_columns(n, asked[:, SEEN:], ends(belief, asked[:, SEEN:]), found)
    return columns
