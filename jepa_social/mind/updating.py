"""Learning from a surprise: a few guarded gradient steps on the latest interactions.

A `PersonModel` already updates in context: its latent follows what is observed. What its weights (or its latent) got
wrong stays wrong, and is put right here, in the spirit of test-time adaptation of latent world models (AdaJEPA 2026):
self-supervised steps on the latest transitions only, undone if they make held-out recent ones worse.
"""

from copy import deepcopy

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.models.person import Interactions, PersonModel


def adapt(
    model: PersonModel, logs: Interactions, steps: int = 5, rate: float = 1e-3, hold: int = 4
) -> tuple[PersonModel, bool]:
    """A copy of `model` after gradient steps on what people of a kind were just seen to do, or `model` itself.

    Every `hold`-th person (of a single one: every `hold`-th interaction) is learned nothing from and decides: if the
    copy foretells the choices held out worse than `model` does, it is thrown away.

    Args:
        model: left as it is.
        logs: the latest interactions.
        steps, rate: of Adam.
        hold: one of so many decides.

    Returns:
        The model to go on with, and whether it is the copy.

    Raises:
        ValueError: there is nothing to hold out.
    """
    held = torch.zeros_like(logs.known)
    if len(held) >= hold:
        held[hold - 1 :: hold] = True
    else:
        held[:, hold - 1 :: hold] = True
    fit, judge = ~held & logs.known, held & logs.known
    if not bool(judge.any()) or not bool(fit.any()):
        raise ValueError(f"{int(logs.known.sum())} interactions are too few to hold out one of {hold}: wait for more")

    def loss(one: PersonModel, rows: Tensor) -> Tensor:
        return one.surprise(logs)[rows].mean()

    changed = deepcopy(model)
    optimizer = torch.optim.Adam(changed.parameters(), lr=rate)
    with torch.enable_grad():
        for _ in range(steps):
            error = loss(changed, fit)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
    with torch.no_grad():
        better = bool(loss(changed, judge) < loss(model, judge))
    return (changed.eval(), True) if better else (model, False)


def nudge(
    model: PersonModel,
    latent: Float[Tensor, "B D"],
    recent: Interactions,
    steps: int = 3,
    rate: float = 0.3,
    hold: int = 3,
) -> tuple[Float[Tensor, "B D"], Bool[Tensor, "B"]]:
    """Each person's latent after gradient steps of its own on that person's recent choices; the weights stay.

    Every `hold`-th of the recent interactions (the last among them) decides, person by person, whether the step is
    kept. A person of whom there is too little to hold out keeps its latent.

    Args:
        model: left as it is.
        latent: what is known of each person now.
        recent: the last few interactions of each.
        steps, rate: of gradient descent on the mean negative log-likelihood.
        hold: one of so many decides.

    Returns:
        The latents to go on with, and whose were changed.
    """
    held = torch.zeros_like(recent.known)
    held[:, torch.arange(recent.known.shape[1] - 1, -1, -hold)] = True
    fit, judge = ~held & recent.known, held & recent.known

    def loss(one: Tensor, rows: Tensor) -> Tensor:
        every = one[:, None].expand(-1, recent.choice.shape[1], -1)
        odds = model.log_prob(every, recent.situation, recent.acts)
        told = -odds.gather(-1, recent.choice[..., None])[..., 0]
        return torch.where(rows, told, 0.0).sum(1) / rows.sum(1).clamp(min=1)

    moved = latent.detach()
    with torch.enable_grad():
        for _ in range(steps):
            moved.requires_grad_(True)
            (slope,) = torch.autograd.grad(loss(moved, fit).sum(), moved)
            moved = (moved - rate * slope).detach()
    with torch.no_grad():
        better = (loss(moved, judge) < loss(latent, judge)) & judge.any(1) & fit.any(1)
    return torch.where(better[:, None], moved, latent), better
