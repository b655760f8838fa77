"""`WorldModel`: a pretrained `SocialJEPA` with the readouts that make its latents speak, saved and loaded as one."""

import json
import math
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jepa_social.files import with_draft
from jepa_social.mind.motion import MotionReadout
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene

FORMAT = 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"


class WorldModel(nn.Module):
    """Latent world model and motion readout.

    Attributes:
        jepa: context encoder, target encoder, predictor.
        motion: positions from imagined latents.
        dt: s between the frames that it was trained on.
        horizon: frames that it was trained to imagine.
    """

    def __init__(self, jepa: SocialJEPA, dt: float, horizon: int, readout_hidden: int = 64):
        super().__init__()
        self.jepa = jepa
        self.motion = MotionReadout(jepa.config.width, readout_hidden)
        self.dt, self.horizon, self.readout_hidden = dt, horizon, readout_hidden

    @torch.no_grad()
    def forecast(self, scene: Scene, horizon: int | None = None) -> Float[Tensor, "B N H 2"]:
        """Expected positions (m, world frame) of all agents over the next `horizon` frames, knowing nobody's plans.

        A scene at another rate than the model's is resampled, imagined at the model's rate and read at the scene's
        frames.
        Rows of agents that are absent in the last frame of `scene` mean nothing.
        """
        horizon = horizon or self.horizon
        own = float(scene.dt[0])
        if abs(own - self.dt) < 1e-4:
            return self._imagine(scene, horizon)
        steps = math.ceil(horizon * own / self.dt - 1e-4)
        seen = scene.resampled(self.dt)
        path = torch.cat((seen.position[:, :, -1:], self._imagine(seen, steps)), dim=2)
        place = torch.arange(1, horizon + 1, device=path.device) * (own / self.dt)
        low = place.floor().long().clamp(max=steps - 1)
        return torch.lerp(path[:, :, low], path[:, :, low + 1], (place - low)[:, None])

    def _imagine(self, scene: Scene, horizon: int) -> Tensor:
        latents = self.jepa.encode(scene)
        return self.motion(latents.at(), self.jepa.imagine(latents, horizon=horizon))[:, 0]

    def save(self, folder: str | Path) -> None:
        """Write weights and `config.json` into `folder`, each whole or not at all."""
        folder = Path(folder)
        about = {
            "format": FORMAT,
            **self.jepa.describe(),
            "dt": self.dt,
            "horizon": self.horizon,
            "readout_hidden": self.readout_hidden,
        }
        weights = {name: value.contiguous() for name, value in self.state_dict().items()}
        with_draft(folder / WEIGHTS, lambda draft: save_file(weights, draft))
        with_draft(folder / CONFIG, lambda draft: draft.write_text(json.dumps(about, indent=2) + "\n"))

    @classmethod
    def load(cls, folder: str | Path) -> "WorldModel":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: `folder` is not a finished run.
            ValueError: it was written in another format version.
        """
        folder = Path(folder)
        for name in (WEIGHTS, CONFIG):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder} holds no {name}: is it a run directory, and did train.py finish?")
        about = json.loads((folder / CONFIG).read_text())
        if about.get("format") != FORMAT:
            raise ValueError(
                f"{folder / CONFIG} has format {about.get('format')}, this version reads {FORMAT}: "
                "train again, or use the release that wrote it"
            )
        jepa = SocialJEPA(ModelConfig(**about["model"]), teacher=about["teacher"])
        model = cls(jepa, about["dt"], about["horizon"], about["readout_hidden"])
        model.load_state_dict(load_file(folder / WEIGHTS))
        return model.eval()
