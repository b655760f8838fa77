"""`PersonModel`: a small JEPA of one person, learned from logs of what they did and of what else they could have done.

    z_n = encoder(what they did in interactions 1..n),      z_0 the prior: nobody in particular,
    p   = predictor(z_n, situation),    e_k = target encoder(situation, act k),
    p(act k | z_n, situation) ~ exp(-|p - e_k|^2 / temperature).

The latent is what is known of the person (a character and a mental state in one: Rabinowitz et al. 2018), and what it
has to foretell is the embedding of what they do next, not the act itself (LeCun 2022). Collapse is ruled out by the
contrast with the acts that were possible and not taken (van den Oord et al. 2018): the loss is the exact negative
log-likelihood of the act among them, and embeddings that are all alike score log K.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jepa_social.files import with_draft
from jepa_social.models.layers import FeedForward

FORMAT = 1
Known = TypeVar("Known", bound="PersonModel")


@dataclass
class Interactions:
    """Logs of B persons, T interactions each.

    Attributes:
        situation: features of what each interaction was about.
        acts: features of each of the K acts that were possible.
        choice: which of them was done.
        known: whether the interaction was observed at all.
    """

    situation: Float[Tensor, "B T F"]
    acts: Float[Tensor, "B T K A"]
    choice: Int[Tensor, "B T"]
    known: Bool[Tensor, "B T"]

    @property
    def act(self) -> Float[Tensor, "B T A"]:
        """What was done."""
        index = self.choice[..., None, None].expand(*self.choice.shape, 1, self.acts.shape[-1])
        return self.acts.gather(-2, index)[..., 0, :]

    def __getitem__(self, index: Any) -> "Interactions":
        """Some persons, or `[:, a:b]`, some interactions of all."""
        return Interactions(self.situation[index], self.acts[index], self.choice[index], self.known[index])


class Recollection(nn.Module):
    """Causal attention over interactions; each head lets the past fade at a rate of its own, which is learned.

    The fading (linear biases: Press et al. 2022) is all that says how long ago something was, so sequences may be
    longer than any of the training.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} must be a multiple of heads {heads}")
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.fading = nn.Parameter(torch.logspace(-3, -0.5, heads).expm1().log())
        self.forward_layer = FeedForward(width, 2.0)

    def forward(
        self, x: Float[Tensor, "B L D"], seen: Bool[Tensor, "B L L"], age: Float[Tensor, "L L"]
    ) -> Float[Tensor, "B L D"]:
        """Tokens to tokens; `seen[b,q,k]` says who attends to whom, `age[q,k]` how many interactions ago."""
        q, k, v = rearrange(self.qkv(self.norm(x)), "b l (three h d) -> three b h l d", three=3, h=self.heads)
        bias = -F.softplus(self.fading)[:, None, None] * age
        bias = bias[None].masked_fill(~seen[:, None], -torch.inf)
        x = x + self.out(rearrange(F.scaled_dot_product_attention(q, k, v, bias), "b h l d -> b l (h d)"))
        return self.forward_layer(x)


class PersonModel(nn.Module):
    """Encoder of interactions, predictor, and encoder of acts (see above).

    Args:
        situation: features of a situation (F); may be 0.
        act: features of an act (A).
        width, depth, heads: of the transformer; D = width.
        window: how many interactions are remembered.

    Raises:
        ValueError: `width` is no multiple of `heads`.
    """

    def __init__(self, situation: int, act: int, width: int = 64, depth: int = 2, heads: int = 4, window: int = 256):
        super().__init__()
        self.sizes = {
            "situation": situation,
            "act": act,
            "width": width,
            "depth": depth,
            "heads": heads,
            "window": window,
        }
        self.window, self.inputs = window, (situation, act)
        self.prior = nn.Parameter(torch.zeros(width))
        self.missing = nn.Parameter(torch.zeros(width))
        self.token = _mlp(situation + act, 2 * width, width)
        self.blocks = nn.ModuleList(Recollection(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.predictor, self.direct = _mlp(width + situation, 2 * width, width), nn.Linear(width, width)
        self.target, self.plain = _mlp(situation + act, width, width), nn.Linear(act, width)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def encode(
        self, situation: Float[Tensor, "B T F"], act: Float[Tensor, "B T A"], known: Bool[Tensor, "B T"]
    ) -> Float[Tensor, "B T+1 D"]:
        """Latent of each person before each interaction, and after the last: entry n has seen n interactions.

        What is not `known` changes nothing but that time passes.
        """
        token = self.token(torch.cat((situation, act), dim=-1))
        token = torch.where(known[..., None], token, self.missing)
        x = torch.cat((self.prior.expand(len(token), 1, -1), token), dim=1)
        place = torch.arange(x.shape[1], device=x.device)
        age = place[:, None] - place
        seen = (age >= 0) & (age < self.window) & F.pad(known, (1, 0), value=True)[:, None]
        seen[..., 0] = True  # the prior is never forgotten
        age = age.clamp(min=0).to(x.dtype).index_fill(1, place[:1], 0.0)
        for block in self.blocks:
            x = block(x, seen, age)
        return self.norm(x)

    def predict(self, latent: Float[Tensor, "... D"], situation: Float[Tensor, "... F"]) -> Float[Tensor, "... D"]:
        """Embedding of what they are expected to do."""
        return self.direct(latent) + self.predictor(torch.cat((latent, situation), dim=-1))

    def embed(self, situation: Float[Tensor, "... F"], acts: Float[Tensor, "... K A"]) -> Float[Tensor, "... K D"]:
        """Target embedding of each possible act."""
        around = situation.unsqueeze(-2).expand(*acts.shape[:-1], -1)
        return self.plain(acts) + self.target(torch.cat((around, acts), dim=-1))

    def log_prob(
        self, latent: Float[Tensor, "... D"], situation: Float[Tensor, "... F"], acts: Float[Tensor, "... K A"]
    ) -> Float[Tensor, "... K"]:
        """Log-probability of each act, from how well its embedding matches the predicted one."""
        away = self.predict(latent, situation).unsqueeze(-2) - self.embed(situation, acts)
        energy = away.square().sum(-1) * self.log_scale.exp() / away.shape[-1] ** 0.5
        return (-energy).log_softmax(-1)

    def surprise(self, logs: Interactions) -> Float[Tensor, "B T"]:
        """Negative log-likelihood (nats) of each choice from what came before it; NaN where it is not known."""
        latent = self.encode(logs.situation, logs.act, logs.known)[:, :-1]
        odds = self.log_prob(latent, logs.situation, logs.acts)
        return -odds.gather(-1, logs.choice[..., None])[..., 0].masked_fill(~logs.known, torch.nan)

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
        """Write weights and sizes into one file, whole or not at all; `about` is kept beside them."""
        weights = {name: value.contiguous() for name, value in self.state_dict().items()}
        text = {"format": json.dumps(FORMAT), "sizes": json.dumps(self.sizes), "about": json.dumps(dict(about or {}))}
        with_draft(path, lambda draft: save_file(weights, draft, metadata=text))

    @classmethod
    def load(cls: type[Known], path: str | Path) -> Known:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is no person model of this format.
        """
        model = cls(**_metadata(path)["sizes"])
        model.load_state_dict(load_file(path))
        return model.eval()

    @staticmethod
    def about(path: str | Path) -> dict[str, Any]:
        """What was said of the model when it was saved.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is no person model of this format.
        """
        return _metadata(path)["about"]


def _mlp(inputs: int, hidden: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, width))


def _metadata(path: str | Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        found = {name: json.loads(text) for name, text in (file.metadata() or {}).items() if name != "format"}
        version = (file.metadata() or {}).get("format")
    if version != json.dumps(FORMAT):
        raise ValueError(f"{path} is no person model of format {FORMAT} (it says {version}): delete it to train anew")
    return found
