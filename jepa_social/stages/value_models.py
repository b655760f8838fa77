"""Models of what people value, learned from logs of choices: told features, or looking at pictures."""

from dataclasses import asdict
from pathlib import Path

import torch
from omegaconf import DictConfig

from jepa_social.evaluation.mind.values import ACT, SITUATION, value_logs, value_sights
from jepa_social.models.onlooker import Onlooker
from jepa_social.models.person import PersonModel
from jepa_social.models.pixels import Pixels
from jepa_social.stages.person import descend, fit_person, known_person, plain


def value_model(run: Path, settings: DictConfig) -> PersonModel:
    """The model of `<run>/mind/values.safetensors`, trained on first use."""

    def fit() -> PersonModel:
        return fit_person(
            PersonModel(SITUATION, ACT, settings.width),
            lambda step: value_logs(settings.people, settings.first_log + step),
            settings.steps,
            settings.seed,
            settings.rate,
            "values: learning from logs",
        )

    return known_person(run / "mind" / "values.safetensors", plain(settings), fit, PersonModel)


def onlooker(run: Path, settings: DictConfig, pixels: Pixels, eyes: bool = True) -> Onlooker:
    """The model of `<run>/mind/values_pixels.safetensors`, trained on first use: first its eyes, then, with them as
    they are, the rest. Without `eyes` the vision transformer stays random, `values_blind.safetensors`."""

    def fit() -> Onlooker:
        model = _with_eyes(run, settings, pixels) if eyes else _unborn(settings, pixels)
        model.vit.requires_grad_(False)
        model.keen.requires_grad_(False)  # has done what it is for
        first = settings.first_log + settings.eyes.steps
        return fit_person(
            model,
            lambda step: model.see(value_sights(settings.people, first + step, settings.things, pixels.side)),
            settings.steps,
            settings.seed,
            settings.rate,
            f"values from pixels: learning from logs{'' if eyes else ' with random eyes'}",
        )

    name = "values_pixels" if eyes else "values_blind"
    about = plain(settings) | {"pixels": asdict(pixels)}
    return known_person(run / "mind" / f"{name}.safetensors", about, fit, Onlooker)


def _with_eyes(run: Path, settings: DictConfig, pixels: Pixels) -> Onlooker:
    def fit() -> Onlooker:
        model, chosen = _unborn(settings, pixels), settings.eyes

        def loss(step: int) -> torch.Tensor:
            seen = value_sights(chosen.people, settings.first_log + step, settings.things, pixels.side)
            return model.resemblance(seen).mean()

        return descend(model, loss, chosen.steps, chosen.rate, "values from pixels: learning to see")

    about = plain(settings, "people", "steps", "rate")
    path = run / "mind" / "values_eyes.safetensors"
    return known_person(path, about | {"pixels": asdict(pixels)}, fit, Onlooker)


def _unborn(settings: DictConfig, pixels: Pixels) -> Onlooker:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return Onlooker(1, asdict(pixels), width=settings.width)
