"""Motion readout: where people will be, read from imagined latents."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.geometry import rotate
from jepa_social.models.journey import JOURNEY
from jepa_social.models.latents import Anchor


@dataclass
class Motion:
    """What latents say of motion.

    Attributes:
        position: m, world frame.
        scale: m, standard deviation of each coordinate about it.
    """

    position: Float[Tensor, "B S N H 2"]
    scale: Float[Tensor, "B S N H"]

    def under(self, row: Int[Tensor, "B R N"]) -> "Motion":
        """For each agent the futures `row` of S."""
        index = row[..., None].expand(-1, -1, -1, self.scale.shape[3])
        return Motion(self.position.gather(1, index[..., None].expand(-1, -1, -1, -1, 2)), self.scale.gather(1, index))


def surprisal(
    path: Float[Tensor, "*S 2"], scale: Float[Tensor, "*S"], truth: Float[Tensor, "*S 2"]
) -> Float[Tensor, "*S"]:
    """Negative log-density (nats, up to a constant) of `truth` about a `path` (m) with that `scale`."""
    return 0.5 * (path - truth).square().sum(-1) / scale.square() + 2 * scale.log()


def spread(lag: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Standard deviation (m) that a readout begins with, after `lag` s: about that of constant velocity for walkers."""
    return 0.05 + 0.2 * lag


class MotionReadout(nn.Module):
    """Residual to constant velocity, in each agent's own frame at the anchor.

    Each imagined step tells by how much the mean velocity up to it departs from the present one, and how sure that is.
    An agent without a heading (never seen to move) has no frame to speak in and is predicted to stay.

    Args:
        latent: width of the latents, D.
        hidden: units, F.
        codes: M, intents of the model whose latents are read; 0: none.
        pace: m/s. Who walks faster departs from constant velocity in proportion to speed: turns and changes of speed
            of people who walk as logs hardly know them are so read from those of others. None: speed is no matter.

    Attributes:
        learned: what each scene adds to the last layer, weights and bias (see `lessons`); None: nothing. It is no part
            of what is saved.
    """

    def __init__(self, latent: int, hidden: int = 64, codes: int = 0, pace: float | None = None):
        super().__init__()
        if pace is not None and not pace > 0:
            raise ValueError(f"readout.pace={pace} must be a speed in m/s above 0, or null")
        self.pace = pace
        self.learned: Float[Tensor, "B 3 F+1"] | None = None
        self.now = nn.Sequential(nn.LayerNorm(latent, elementwise_affine=False), nn.Linear(latent, hidden))
        self.then = nn.Linear(latent + JOURNEY, hidden, bias=False)
        self.clock = nn.Linear(1, hidden, bias=False)
        self.code = nn.Embedding(codes, hidden) if codes else None
        self.likely = nn.Linear(hidden, codes) if codes else None
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 3))
        nn.init.zeros_(self.out[-1].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(self.out[-1].bias)  # pyright: ignore[reportArgumentType]

    def forward(
        self,
        anchor: Anchor,
        imagined: Float[Tensor, "B S N H E"],
        intent: Int[Tensor, "B S N"] | None = None,
        steps: Int[Tensor, "H"] | None = None,
    ) -> Motion:
        """Motion of imagined steps.

        Args:
            anchor: where they start.
            imagined: latents and journeys.
            intent: the codes that they were imagined under.
            steps: which steps they are, from 1; None: 1 to H.
        """
        if steps is None:
            steps = torch.arange(1, imagined.shape[3] + 1, device=imagined.device)
        return self.spoken(anchor, self.units(anchor, imagined, intent, steps), steps, self.learned)

    def units(
        self,
        anchor: Anchor,
        imagined: Float[Tensor, "B S N H E"],
        intent: Int[Tensor, "B S N"] | None,
        steps: Int[Tensor, "H"],
    ) -> Float[Tensor, "B S N H F"]:
        """What the last layer reads; otherwise as `forward`."""
        lag = steps.view(-1, 1) * anchor.dt.view(-1, 1, 1, 1, 1)
        hidden = self.then(imagined) + (self.now(anchor.state)[:, None, :, None] + self.clock(lag))
        if intent is not None and self.code is not None:
            hidden = hidden + self.code(intent)[..., None, :]
        return self.out[:-1](hidden)

    def spoken(
        self,
        anchor: Anchor,
        units: Float[Tensor, "B S N H F"],
        steps: Int[Tensor, "H"],
        learned: Float[Tensor, "B 3 F+1"] | None = None,
    ) -> Motion:
        """Motion that the last layer makes of its `units` at `steps`, with what was `learned` added to its weights."""
        lag = steps.view(-1, 1) * anchor.dt.view(-1, 1, 1, 1, 1)
        told = self.out[-1](units)
        if learned is not None:
            told = told + torch.einsum("bsnhf,bof->bsnho", units, learned[..., :-1])
            told = told + learned[:, None, None, None, :, -1]
        brisk = self.brisk(anchor)[:, None, :, None]
        local = told[..., :2] * (brisk * anchor.oriented[:, None, :, None])[..., None]
        velocity = anchor.velocity[:, None, :, None] + rotate(local, anchor.heading[:, None, :, None])
        position = anchor.position[:, None, :, None] + velocity * lag
        return Motion(position, told[..., 2].clamp(-6.0, 3.0).exp() * spread(lag[..., 0]) * brisk)

    def brisk(self, anchor: Anchor) -> Float[Tensor, "B N"]:
        """How many times as fast as `pace` everybody walks; 1 up to there."""
        if self.pace is None:
            return torch.ones_like(anchor.heading)
        return (anchor.velocity.norm(dim=-1) / self.pace).clamp(min=1.0)

    def odds(self, anchor: Anchor, prior: Float[Tensor, "B N M"]) -> Float[Tensor, "B N M"]:
        """Log-probability of each code as a *motion*: the world model's prior, corrected by what the latents say."""
        assert self.likely is not None, "without intents there are no odds: WorldModel.odds refuses them"
        return (prior + self.likely(self.now(anchor.state))).log_softmax(-1)
