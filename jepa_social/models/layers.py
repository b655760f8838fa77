"""Transformer blocks whose attention sees relative poses.

Legend of tensor suffixes used in this package: B scenes, N agents, T frames, S plans, D width, Q queries, K keys,
H heads, F relative-pose features. `...` are any leading axes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from timm.layers import Mlp
from torch import Tensor, nn


@dataclass
class Sight:
    """What queries see: poses of keys and who is hidden. Made once, read by all layers.

    Attributes:
        pose: features of each pair (see `poses.py`).
        bias: 0 where a key is seen, so low where it is not that its weight is exactly 0.
        sees: 1 for a query that sees anything, else 0.
        index: which keys the pairs stand for; None: all of them, in order.
    """

    pose: Float[Tensor, "... Q F K"]
    bias: Float[Tensor, "... Q 1 K"]
    sees: Float[Tensor, "... Q 1"]
    index: Int[Tensor, "... Q K"] | None = None

    @staticmethod
    def of(
        pose: Float[Tensor, "... Q F K"], mask: Bool[Tensor, "... Q K"], index: Int[Tensor, "... Q K"] | None = None
    ) -> "Sight":
        """Keys are seen where `mask` is true."""
        bias = torch.zeros_like(mask, dtype=pose.dtype).masked_fill_(~mask, -1e9)
        return Sight(pose, bias.unsqueeze(-2), mask.any(-1, keepdim=True).to(pose.dtype), index)

    def at(self, place: int) -> "Sight":
        """One entry of the first axis."""
        index = None if self.index is None else self.index[place]
        return Sight(self.pose[place], self.bias[place], self.sees[place], index)


class RelativeAttention(nn.Module):
    """Multi-head attention whose keys and values are extended by the relative pose of query and key.

    With content vectors x and pose features f_qk (see `poses.py`), per head:

        logit_qk = q_q · k_k / sqrt(d) + r_q · f_qk,      r_q = W_r x_q + b_r
        out_q    = W_o [ sum_k a_qk v_k ; sum_k a_qk f_qk ]

    This is the relative keys and values of Shaw, Uszkoreit & Vaswani (2018), eq. 3–4, with a continuous pose in place
    of a clipped distance. The pose features are used raw: a learned embedding of every pair would cost more than the
    network.
    """

    def __init__(self, width: int, heads: int, features: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"model.width={width} must be a multiple of model.heads={heads}")
        self.heads = heads
        self.query = nn.Linear(width, width + heads * features)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width + heads * features, width)
        self.width = width

    def keys(self, x: Float[Tensor, "... K D"]) -> tuple[Float[Tensor, "... H K d"], Float[Tensor, "... H K d"]]:
        """Keys and values of `x`, ready to be cached."""
        key, value = self.key_value(x).unflatten(-1, (2, self.heads, -1)).transpose(-4, -2).unbind(-3)
        return key, value

    def forward(
        self,
        x: Float[Tensor, "... Q D"],
        keys: tuple[Float[Tensor, "... H K d"], Float[Tensor, "... H K d"]],
        sight: Sight,
    ) -> Float[Tensor, "... Q D"]:
        """Attend from `x` to the keys in sight; a query with nothing to see gets zeros from attention."""
        query, relative = self.query(x).split((self.width, self.query.out_features - self.width), dim=-1)
        query = (query * (self.width // self.heads) ** -0.5).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
        relative = relative.unflatten(-1, (self.heads, -1))
        key, value = keys
        # pairs lie as [..., Q, H, K]: the features' small products then need no copies
        content = (query @ key.transpose(-1, -2)).transpose(-3, -2)
        if sight.index is not None:
            index = sight.index.unsqueeze(-2).expand(*content.shape[:-1], -1)
            everybody, content = content.new_zeros(content.shape), content.gather(-1, index)
        weight = (relative @ sight.pose + content + sight.bias).softmax(-1)
        seen = weight @ sight.pose.transpose(-1, -2)
        if sight.index is not None:
            weight = everybody.scatter_(-1, index, weight)
        content = (weight.transpose(-3, -2) @ value).transpose(-3, -2).flatten(-2)
        return self.out(torch.cat((content, seen.flatten(-2)), dim=-1) * sight.sees)


class FeedForward(nn.Module):
    """Pre-norm MLP with a residual path."""

    def __init__(self, width: int, ratio: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = Mlp(width, int(width * ratio), act_layer=nn.SiLU)

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        """Map tokens to tokens."""
        # past the MLP's dropouts of nothing: to call them costs more than the arithmetic of a few agents
        return x + self.mlp.fc2(self.mlp.act(self.mlp.fc1(self.norm(x))))
