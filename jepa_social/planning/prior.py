"""A policy prior: what people do in the ego's place, cloned from logs, as a plan with its spread."""

import json
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jepa_social.files import with_draft
from jepa_social.models.latents import Anchor
from jepa_social.models.poses import facing
from jepa_social.planning.plans import Plans, axes_toward

FILE = "prior.safetensors"
FORMAT = 1


class Prior(nn.Module):
    """From the ego's latent and where it aims to a Gaussian over plans (see `Plans`).

    The mean is a residual to going straight and stopping at the aim. Part of it is told in the frame of the aim, part
    in the ego's own, as its latent is, so rigid motions change nothing. It knows of people what the latent tells, and
    of walls only the way round them that lies in `aim`.

    Args:
        latent: width of the latents, D.
        plans: what is told.
        hidden: units.
    """

    def __init__(self, latent: int, plans: Plans, hidden: int = 64):
        super().__init__()
        self.plans, self.hidden, self.latent = plans, hidden, latent
        self.norm = nn.LayerNorm(latent, elementwise_affine=False)
        self.inside = nn.Sequential(nn.Linear(latent + 7, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.mean = nn.Linear(hidden, 4 * plans.knots)
        self.doubt = nn.Linear(hidden, 2 * plans.knots)
        for layer in (self.mean, self.doubt):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, anchor: Anchor, aim: Float[Tensor, "B 2"], speed: Float[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B P"], Float[Tensor, "B P"]]:
        """Mean and standard deviation of the ego's plan.

        Args:
            anchor: latents of the present, `anchor.ego` is whose plan is asked for.
            aim: m, its goal or the next point on the way there.
            speed: m/s, its preferred.
        """
        rows = torch.arange(len(anchor.ego), device=aim.device)
        here, velocity = anchor.position[rows, anchor.ego], anchor.velocity[rows, anchor.ego]
        axes = axes_toward(here, aim)
        ahead = facing(anchor.heading[rows, anchor.ego], anchor.oriented[rows, anchor.ego])
        ahead = torch.einsum("be,bde->bd", ahead, axes)
        course = torch.einsum("be,bde->bd", velocity, axes)
        left = (aim - here).norm(dim=-1)
        pace = speed[:, None].clamp(min=1e-3)
        steps = (left / (speed * anchor.dt).clamp(min=1e-3))[:, None]
        near = torch.stack(((-left).exp(), speed), dim=-1)
        told = (ahead, course / pace, (steps / self.plans.horizon).clamp(max=1.0), near)
        hidden = self.inside(torch.cat((self.norm(anchor.state[rows, anchor.ego]), *told), dim=-1))
        toward, own = self.mean(hidden).unflatten(-1, (2, self.plans.knots, 2)).unbind(1)
        turned = torch.stack((-ahead[:, 1], ahead[:, 0]), dim=-1)
        mean = self._arrive(steps) + toward + own[..., :1] * ahead[:, None] + own[..., 1:] * turned[:, None]
        return mean.flatten(1), 0.3 * self.doubt(hidden).clamp(-2.0, 2.0).exp()

    def _arrive(self, steps: Float[Tensor, "B 1"]) -> Float[Tensor, "B K 2"]:
        """Knots of going straight at full speed and stopping after `steps`."""
        walked = (steps - torch.arange(self.plans.horizon, device=steps.device)).clamp(0.0, 1.0)
        along = torch.einsum("kh,bh->bk", self.plans.inverse.to(steps), walked)
        return torch.stack((along, torch.zeros_like(along)), dim=-1)

    def save(self, folder: str | Path) -> None:
        """Write `prior.safetensors` into `folder`, whole or not at all."""
        about = {
            "format": FORMAT,
            "latent": self.latent,
            "hidden": self.hidden,
            "knots": self.plans.knots,
            "horizon": self.plans.horizon,
        }
        weights = {name: value.contiguous() for name, value in self.state_dict().items()}
        metadata = {"about": json.dumps(about)}  # one entry: safetensors keeps no order of several
        with_draft(Path(folder) / FILE, lambda draft: save_file(weights, draft, metadata))

    @classmethod
    def load(cls, folder: str | Path) -> "Prior":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: nothing was cloned in `folder`.
            ValueError: it was written in another format version.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise FileNotFoundError(f"{folder} holds no {FILE}: clone one with `python train.py … clone.epochs=5`")
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
        if about.get("format") != FORMAT:
            raise ValueError(
                f"{path} has format {about.get('format')}, this version reads {FORMAT}: delete it and clone again"
            )
        prior = cls(about["latent"], Plans(about["knots"], about["horizon"]), about["hidden"])
        prior.load_state_dict(load_file(path))
        return prior.eval()
