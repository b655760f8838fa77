"""Transformer blocks whose attention sees relative poses.

Legend of tensor suffixes used in this package: B scenes, N agents, T frames, S plans, D width, Q queries, K keys,
H heads, F relative-pose features. `...` are any leading axes.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from timm.layers import Mlp
from torch import Tensor, nn


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
        key, value = rearrange(self.key_value(x), "... k (two h d) -> two ... h k d", two=2, h=self.heads)
        return key, value

    def forward(
        self,
        x: Float[Tensor, "... Q D"],
        keys: tuple[Float[Tensor, "... H K d"], Float[Tensor, "... H K d"]],
        pose: Float[Tensor, "... Q K F"],
        mask: Bool[Tensor, "... Q K"],
    ) -> Float[Tensor, "... Q D"]:
        """Attend from `x` to `keys` where `mask` is true; a query with nothing to see gets zeros from attention."""
        query, relative = self.query(x).split((self.width, self.query.out_features - self.width), dim=-1)
        query = rearrange(query, "... q (h d) -> ... h q d", h=self.heads)
        relative = rearrange(relative, "... q (h f) -> ... q f h", h=self.heads)
        key, value = keys
        logit = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        logit = logit + rearrange(pose @ relative, "... q k h -> ... h q k")
        hidden = ~mask.unsqueeze(-3)
        weight = logit.masked_fill(hidden, -1e9).softmax(-1).masked_fill(hidden, 0.0)
        content = rearrange(weight @ value, "... h q d -> ... q (h d)")
        seen = rearrange(rearrange(weight, "... h q k -> ... q h k") @ pose, "... q h f -> ... q (h f)")
        return self.out(torch.cat((content, seen), dim=-1))


class FeedForward(nn.Module):
    """Pre-norm MLP with a residual path."""

    def __init__(self, width: int, ratio: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = Mlp(width, int(width * ratio), act_layer=nn.SiLU)

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        """Map tokens to tokens."""
        return x + self.mlp(self.norm(x))
