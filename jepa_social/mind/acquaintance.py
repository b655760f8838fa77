"""What is known of people met: their interactions so far, and the latent that a `PersonModel` makes of them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepa_social.models.person import Interactions, PersonModel


class Acquaintance:
    """B people met one interaction after the other; memory in context is all the updating there is.

    Attributes:
        latent: `[B,D]` what is known of each now; at first the prior.
        memory: every interaction so far; None before the first.
    """

    def __init__(self, model: PersonModel, people: int):
        self.model = model
        self.memory: Interactions | None = None
        situation, act = (torch.zeros(people, 0, size) for size in model.inputs)
        with torch.no_grad():
            self.latent = model.encode(situation, act, torch.zeros(people, 0, dtype=torch.bool))[:, -1]

    @torch.no_grad()
    def observe(self, situation: Float[Tensor, "B F"], acts: Float[Tensor, "B K A"], choice: Int[Tensor, "B"]) -> None:
        """Remember an interaction of everybody, and update what is known."""
        known = torch.ones_like(choice, dtype=torch.bool)
        self.read(Interactions(situation[:, None], acts[:, None], choice[:, None], known[:, None]))

    @torch.no_grad()
    def read(self, logs: Interactions) -> None:
        """Remember T interactions of everybody at once."""
        if self.memory is not None:
            pairs = zip(vars(self.memory).values(), vars(logs).values(), strict=True)
            logs = Interactions(*(torch.cat(pair, dim=1) for pair in pairs))
        self.memory = logs
        self.latent = self.model.encode(self.memory.situation, self.memory.act, self.memory.known)[:, -1]

    @torch.no_grad()
    def log_prob(self, situation: Float[Tensor, "B M F"], acts: Float[Tensor, "B M K A"]) -> Float[Tensor, "B M K"]:
        """Log-probability of each act in M situations."""
        return self.model.log_prob(self.latent[:, None].expand(-1, situation.shape[1], -1), situation, acts)
