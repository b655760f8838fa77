"""Plain references, written from the papers' equations: world models that take a scene as one flat vector.

Both see 8 agents x 6 features = 48 numbers a step and an action of 2, as wide as ours. Neither is the authors' code;
what that code takes on these sizes is in README.md.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OBSERVED, ACTION = 48, 2


class LeWorldModel(nn.Module):
    """Maes et al. (2026), "LeWorldModel", for states in place of pixels.

    z_t = enc(o_t), zhat_{t+1} = pred(z_<=t, a_<=t) with a causal transformer whose blocks the actions modulate
    (AdaLN-zero, but drawn at random: it takes the same time); loss = mean |zhat_{t+1} - z_{t+1}|^2 + SIGReg(z), the
    latter step by step over the batch with 17 knots (Balestriero & LeCun 2025). Rollouts feed predictions back with a
    history of three.
    """

    history = 3

    def __init__(self, width: int = 128, depth: int = 2, heads: int = 4, projections: int = 1024, steps: int = 32):
        super().__init__()
        self.projections = projections
        self.encoder = nn.Sequential(
            nn.Linear(OBSERVED, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.BatchNorm1d(width)
        )
        self.place = nn.Parameter(0.02 * torch.randn(steps, width))
        self.action = nn.Sequential(nn.Linear(ACTION, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(ModulatedBlock(width, heads) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        grid = torch.linspace(0.0, 3.0, 17)
        self.grid: Tensor
        self.register_buffer("grid", grid)

    def encode(self, observed: Tensor) -> Tensor:
        """`[B,T,48]` to `[B,T,D]`."""
        return self.encoder(observed.flatten(0, 1)).unflatten(0, observed.shape[:2])

    def predict(self, latents: Tensor, actions: Tensor) -> Tensor:
        """The next latent after each of `latents [B,T,D]` under `actions [B,T,2]`."""
        x, condition = latents + self.place[: latents.shape[1]], self.action(actions)
        for block in self.blocks:
            x = block(x, condition)
        return self.head(x)

    def loss(self, observed: Tensor, actions: Tensor) -> Tensor:
        """Of a batch `[B,T,48]`, `[B,T,2]`."""
        latents = self.encode(observed)
        predicted = self.predict(latents[:, :-1], actions[:, :-1])
        return (predicted - latents[:, 1:]).square().mean() + 0.1 * self.sigreg(latents.transpose(0, 1))

    def sigreg(self, latents: Tensor) -> Tensor:
        """Epps–Pulley statistic of random projections of `latents [T,B,D]`."""
        direction = F.normalize(torch.randn(latents.shape[-1], self.projections), dim=0)
        angle = (latents @ direction)[..., None] * self.grid
        normal = (-0.5 * self.grid.square()).exp()
        error = (angle.cos().mean(1) - normal).square() + angle.sin().mean(1).square()
        return torch.trapezoid(error * normal, self.grid, dim=-1).mean() * latents.shape[1]

    def rollout(self, now: Tensor, actions: Tensor) -> Tensor:
        """Latents `[S,H,D]` under plans `[S,H,2]` from one latent `[D]`."""
        path = [now.expand(len(actions), -1)]
        for step in range(1, actions.shape[1] + 1):
            first = max(0, step - self.history)
            path.append(self.predict(torch.stack(path[first:step], 1), actions[:, first:step])[:, -1])
        return torch.stack(path[1:], 1)


class ModulatedBlock(nn.Module):
    """Transformer block with AdaLN-zero (Peebles & Xie 2023)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`x` and `condition` are `[B,T,D]`."""
        shift, scale, gate, shift2, scale2, gate2 = self.modulation(condition).chunk(6, -1)
        q, k, v = self.qkv(F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(-2)
        x = x + gate * self.out(mixed)
        return x + gate2 * self.mlp(F.layer_norm(x, x.shape[-1:]) * (1 + scale2) + shift2)


class GruVicReg(nn.Module):
    """An action-conditioned GRU in latent space, held up by VICReg: the recipe of eb_jepa's small world models.

    h_0 = z_0, h_{t+1} = GRU(a_t, h_t), zhat = h; loss = mean |zhat - z|^2 plus the variance hinge and covariance of
    Bardes, Ponce & LeCun (2022), eq. 1-4, over all latents.
    """

    def __init__(self, width: int = 128):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(OBSERVED, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.gru = nn.GRU(ACTION, width, batch_first=True)

    def loss(self, observed: Tensor, actions: Tensor) -> Tensor:
        """Of a batch `[B,T,48]`, `[B,T,2]`."""
        latents = self.encoder(observed)
        predicted = self.gru(actions[:, :-1], latents[:, 0][None].contiguous())[0]
        flat = latents.flatten(0, 1)
        covariance = flat.T.cov()
        variance = covariance.diagonal()
        spread = F.relu(1.0 - (variance + 1e-4).sqrt()).mean()
        cross = (covariance.square().sum() - variance.square().sum()) / flat.shape[-1]
        return (predicted - latents[:, 1:]).square().mean() + spread + 0.04 * cross

    def rollout(self, now: Tensor, actions: Tensor) -> Tensor:
        """Latents `[S,H,D]` under plans `[S,H,2]` from one latent `[D]`."""
        return self.gru(actions, now.expand(1, len(actions), -1).contiguous())[0]
