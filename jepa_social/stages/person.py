"""Training a `PersonModel` on logs: what the `mind` suite does on first use, and finds again later."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jepa_social.models.person import Interactions, PersonModel

WARMUP = 0.05


def fit_person(
    model: PersonModel,
    sample_logs: Callable[[int], Interactions],
    steps: int,
    seed: int,
    rate: float = 2e-3,
    description: str = "learning to know people",
) -> PersonModel:
    """Train in place: AdamW, a one-cycle cosine schedule, the same weights for the same seed.

    Args:
        model: started anew from `seed`.
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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = type(model)(**model.sizes)
    model.load_state_dict(fresh.state_dict())
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=max(WARMUP, 2 / steps))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("loss {task.fields[loss]:.3f}")) as progress:
        task = progress.add_task(description, total=steps, loss=float("nan"))
        for step in range(steps):
            logs = sample_logs(step)
            loss = model.surprise(logs)[logs.known].mean()
            if not bool(loss.isfinite()):
                raise FloatingPointError(f"{description}: the loss is {float(loss)} at step {step}; lower the rate")
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            progress.update(task, advance=1, loss=float(loss.detach()))
    return model.eval()


def known_person(path: Path, settings: Mapping[str, Any], fit: Callable[[], PersonModel]) -> PersonModel:
    """The model kept at `path`, if it was trained with these settings; else `fit()` is called and its result kept.

    Args:
        path: `<run>/mind/<name>.safetensors`.
        settings: everything that the training depends on, as JSON would give it back.
        fit: trains one.
    """
    if path.is_file() and PersonModel.about(path) == dict(settings):
        return PersonModel.load(path)
    model = fit()
    model.save(path, settings)
    return model
