"""A learned model among people who change: two ways of updating, and what a linear readout says of the character."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.evaluation.mind.change import WINDOW
from jepa_social.mind.updating import nudge
from jepa_social.models.person import Interactions, PersonModel
from jepa_social.worlds.partners import CHARACTERS, ChoiceLogs, changing_now_and_then, live_with

SITUATION, ACT = 2 * len(CHARACTERS), len(CHARACTERS)
Followed = tuple[Float[Tensor, "N T+1 D"], Float[Tensor, "N T"]]
"""Latents before each interaction and after the last, and the log-loss of each choice."""


def as_interactions(people: ChoiceLogs) -> Interactions:
    """What a model sees: mean and most of each thing on offer, the options, what was chosen. No character."""
    situation = torch.cat((people.menu.mean(-2), people.menu.amax(-2)), dim=-1)
    return Interactions(situation, people.menu, people.choice, torch.ones_like(people.choice, dtype=torch.bool))


def choice_logs(count: int, steps: int, hazard: float, seed: int) -> ChoiceLogs:
    """Logs of people who change now and then (not all at one time, as trials do)."""
    generator = torch.Generator().manual_seed(seed)
    return live_with(changing_now_and_then(count, steps, hazard, generator), generator)


@torch.no_grad()
def in_context(model: PersonModel, people: ChoiceLogs) -> Followed:
    """Memory in context: weights stay, the latent follows what is observed."""
    logs = as_interactions(people)
    return model.encode(logs.situation, logs.act, logs.known), model.surprise(logs)


def by_gradient(model: PersonModel, people: ChoiceLogs, rate: float, remembers: bool) -> Followed:
    """Guarded gradient steps on the latent after each interaction, by its last 10 interactions.

    Args:
        model: its weights stay.
        people: whom it meets.
        rate: of a gradient step.
        remembers: whether steps start from the latent in context; else from where the last ones led, the prior first.
    """
    model = model.requires_grad_(False)
    logs = as_interactions(people)
    context = model.encode(logs.situation, logs.act, logs.known)
    latents = [context[:, 0]]
    for t in range(logs.choice.shape[1]):
        start = context[:, t + 1] if remembers else latents[-1]
        latents.append(nudge(model, start, logs[:, max(0, t + 1 - WINDOW) : t + 1], rate=rate)[0])
    latent = torch.stack(latents, dim=1)
    odds = model.log_prob(latent[:, :-1], logs.situation, logs.acts)
    return latent, -odds.gather(-1, logs.choice[..., None])[..., 0]


def fit_character(latent: Float[Tensor, "K D"], character: Int[Tensor, "K"], decay: float = 1e-4) -> nn.Module:
    """A linear readout of the character from frozen latents: softmax regression by L-BFGS on standardised latents."""
    mean, scale = latent.mean(0), latent.std(0).clamp(min=1e-4)
    layer = nn.Linear(latent.shape[-1], len(CHARACTERS))
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    x = (latent - mean) / scale
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(layer(x), character) + decay * layer.weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    with torch.no_grad():  # the standardisation becomes part of it
        layer.weight.div_(scale)
        layer.bias.sub_(layer.weight @ mean)
    return layer.requires_grad_(False)
