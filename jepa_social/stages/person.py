"""Training a `PersonModel` on logs: what the `mind` suite does on first use, and finds again later."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from jepa_social.models.person import Interactions, PersonModel

WARMUP = 0.05
Person = TypeVar("Person", bound=PersonModel)

VERSION = 1
"""Raise it with every change after which the same settings train another model: of `PersonModel`, of the training, of
the worlds whose choices it learns from. Kept models are then trained again on first use."""


def plain(settings: DictConfig, *without: str) -> dict[str, Any]:
    """Settings as JSON would give them back, `without` those that a training does not depend on."""
    kept = OmegaConf.to_container(settings)
    assert isinstance(kept, dict)
    return {str(key): value for key, value in kept.items() if key not in without}


def untrained(model: Person, seed: int) -> Person:
    """One of the same sizes that has learned nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(**model.sizes).eval()


def fit_person(
    model: Person,
    sample_logs: Callable[[int], Interactions],
    steps: int,
    seed: int,
    rate: float = 2e-3,
    description: str = "learning to know people",
) -> Person:
    """Train in place, the same weights for the same seed.

    Args:
        model: started anew from `seed`, but for parameters that are frozen: they stay what they are.
        sample_logs: the logs of step i = 0, 1, ... (of other persons each time, if there are enough of them).
        steps: of the optimiser, at least 3.
        seed: of the weights.
        rate: greatest learning rate.
        description: of the progress bar.

    Returns:
        The model, in evaluation mode.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    model.load_state_dict(untrained(model, seed).state_dict() | frozen)

    def loss(step: int) -> Tensor:
        logs = sample_logs(step)
        return model.surprise(logs)[logs.known].mean()

    return descend(model, loss, steps, rate, description)


def descend(
    model: Person, loss: Callable[[int], Float[Tensor, ""]], steps: int, rate: float, description: str
) -> Person:
    """Lower a loss in place: AdamW, a one-cycle cosine schedule.

    Args:
        model: what is trained, from where it is.
        loss: of step i = 0, 1, ...
        steps, rate, description: see `fit_person`.

    Returns:
        The model, in evaluation mode.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=max(WARMUP, 2 / steps))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("loss {task.fields[loss]:.3f}")) as progress:
        task = progress.add_task(description, total=steps, loss=float("nan"))
        for step in range(steps):
            now = loss(step)
            if not bool(now.isfinite()):
                raise FloatingPointError(f"{description}: the loss is {float(now)} at step {step}; lower the rate")
            optimizer.zero_grad()
            now.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            progress.update(task, advance=1, loss=float(now.detach()))
    return model.eval()


def known_person(path: Path, settings: Mapping[str, Any], fit: Callable[[], Person], kind: type[Person]) -> Person:
    """The model kept at `path`, if these settings and `VERSION` trained it; else `fit()` is called and its result kept.

    Args:
        path: `<run>/mind/<name>.safetensors`.
        settings: everything that the training depends on, as JSON would give it back.
        fit: trains one.
        kind: of model.
    """
    known = {"version": VERSION, **settings}
    if path.is_file() and kind.about(path) == known:
        return kind.load(path)
    model = fit()
    model.save(path, known)
    return model
