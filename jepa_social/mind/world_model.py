"""`WorldModel`: a pretrained `SocialJEPA` with the readouts that make its latents speak, saved and loaded as one."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jepa_social.files import with_draft
from jepa_social.geometry import rotate
from jepa_social.history import bridged, localised
from jepa_social.mind.motion import MotionReadout
from jepa_social.mind.separation import keep_apart
from jepa_social.models.intents import draw_intents, every_intent
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.latents import Anchor
from jepa_social.runs import CONFIG, WEIGHTS
from jepa_social.scene import Scene

FORMAT = 2


class WorldModel(nn.Module):
    """Latent world model and motion readout.

    Attributes:
        jepa: context encoder, target encoder, predictor.
        motion: positions from imagined latents.
        dt: s between the frames that it was trained on.
        horizon: frames that it was trained to imagine.
    """

    def __init__(
        self,
        jepa: SocialJEPA,
        dt: float,
        horizon: int,
        readout_hidden: int = 64,
        readout_pace: float | None = None,
    ):
        super().__init__()
        self.jepa = jepa
        self.motion = MotionReadout(jepa.config.width, readout_hidden, jepa.config.intents, readout_pace)
        self.dt, self.horizon, self.readout_hidden = dt, horizon, readout_hidden

    @property
    def futures(self) -> int:
        """How many futures `sample` can give: one for each intent."""
        return self.jepa.config.intents

    @torch.no_grad()
    def forecast(self, scene: Scene, horizon: int | None = None) -> Float[Tensor, "B N H 2"]:
        """Expected positions (m, world frame) of all agents over the next `horizon` frames, knowing nobody's plans, and
        nobody walking through another (see `keep_apart`).

        A scene at another rate than the model's is resampled, imagined at the model's rate and read at the scene's
        frames.
        Rows of agents that are absent in the last frame of `scene` mean nothing.
        """
        return self._at_rate(scene, horizon, self._expected)[:, 0]

    @torch.no_grad()
    def sample(self, scene: Scene, horizon: int | None = None, samples: int = 20) -> Float[Tensor, "B S N H 2"]:
        """Futures of whole scenes under one intent each, the likeliest first; otherwise as `forecast`.

        Raises:
            ValueError: more samples than the model has intents.
        """
        if samples > self.futures:
            raise ValueError(
                f"{samples} samples asked of a model with {self.futures} intents: train it with "
                f"model.intents={samples}, or ask for fewer"
            )
        return self._at_rate(scene, horizon, lambda anchor, steps: self._likeliest(anchor, steps, samples))

    @torch.no_grad()
    def draw(
        self, scene: Scene, horizon: int | None = None, samples: int = 20, seed: int = 0
    ) -> Float[Tensor, "B S N H 2"]:
        """Random draws from the predictive distribution: an intent for everybody (see `draw_intents`), and an error.

        All scenes and agents share their random numbers, so no draw depends on who else is there.
        """
        return self._at_rate(scene, horizon, lambda anchor, steps: self._drawn(anchor, steps, samples, seed))

    def _at_rate(
        self, scene: Scene, horizon: int | None, imagine: Callable[[Anchor, int], Float[Tensor, "B S N K 2"]]
    ) -> Float[Tensor, "B S N H 2"]:
        horizon = self.horizon if horizon is None else horizon
        if horizon < 1:
            raise ValueError(f"horizon={horizon} must be at least one frame, or None for the model's {self.horizon}")
        near, origin = localised(scene)
        paths = self._imagined(bridged(near), horizon, imagine)
        return paths if origin is None else paths + origin[:, None, None, None]

    def _imagined(
        self, scene: Scene, horizon: int, imagine: Callable[[Anchor, int], Float[Tensor, "B S N K 2"]]
    ) -> Float[Tensor, "B S N H 2"]:
        own, seen = float(scene.dt[0]) if len(scene.dt) else self.dt, scene.resampled(self.dt)
        if abs(own - self.dt) < 1e-4:
            return imagine(self.jepa.encode(seen).at(), horizon)
        steps = math.ceil(horizon * own / self.dt - 1e-4)
        paths = imagine(self.jepa.encode(seen).at(), steps)
        now = seen.position[:, None, :, -1:].expand(-1, paths.shape[1], -1, -1, -1)
        path = torch.cat((now, paths), dim=3)
        place = torch.arange(1, horizon + 1, device=path.device) * (own / self.dt)
        low = place.floor().long().clamp(max=steps - 1)
        return torch.lerp(path[..., low, :], path[..., low + 1, :], (place - low)[:, None])

    def _expected(self, anchor: Anchor, horizon: int) -> Tensor:
        path = self.motion(anchor, self.jepa.imagine(anchor, horizon=horizon)).position
        return keep_apart(path, anchor.present)

    def _likeliest(self, anchor: Anchor, horizon: int, samples: int) -> Tensor:
        foreseen = self.jepa.foresee(anchor, horizon)
        odds = (self.odds(anchor, foreseen) * anchor.present[..., None]).sum(1)
        chosen = odds.topk(samples, dim=-1).indices
        intent = chosen[..., None].expand(-1, -1, anchor.present.shape[1])
        imagined = self.jepa.imagine(anchor, horizon=horizon, foreseen=foreseen, intent=intent)
        return keep_apart(self.motion(anchor, imagined, intent).position, anchor.present)

    def _drawn(self, anchor: Anchor, horizon: int, samples: int, seed: int) -> Tensor:
        chance = torch.Generator().manual_seed(seed)
        foreseen = self.jepa.foresee(anchor, horizon)
        if self.jepa.intents is None:
            motion = self.motion(anchor, self.jepa.imagine(anchor, horizon=horizon, foreseen=foreseen))
        else:  # all futures are read once, however many draws there are
            codes = every_intent(self.jepa.intents.codes, foreseen)
            imagined = self.jepa.imagine(anchor, horizon=horizon, foreseen=foreseen, intent=codes)
            drawn = draw_intents(self.odds(anchor, foreseen), samples, chance)
            motion = self.motion(anchor, imagined, codes).under(drawn)
        error = torch.randn(1, samples, 1, 1, 2, generator=chance).to(foreseen.device)
        return motion.position + motion.scale[..., None] * rotate(error, anchor.heading[:, None, :, None])

    def odds(self, anchor: Anchor, foreseen: Float[Tensor, "B N H P"]) -> Float[Tensor, "B N M"]:
        """Log-probability of each intent of each agent, from as many steps as in training, however many are `foreseen`.

        Raises:
            ValueError: the model has none.
        """
        if self.jepa.intents is None:
            raise ValueError("this model has no intents: train one with model.intents=20")
        if foreseen.shape[2] < self.horizon:
            foreseen = self.jepa.foresee(anchor, self.horizon)
        return self.motion.odds(anchor, self.jepa.intents.prior(foreseen[:, :, : self.horizon]))

    def save(self, folder: str | Path) -> None:
        """Write weights and `config.json` into `folder`, each whole or not at all."""
        folder = Path(folder)
        about = {
            "format": FORMAT,
            **self.jepa.describe(),
            "dt": self.dt,
            "horizon": self.horizon,
            "readout_hidden": self.readout_hidden,
            "readout_pace": self.motion.pace,
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
        jepa = SocialJEPA(ModelConfig.of(about["model"]), teacher=about["teacher"])
        pace = about.get("readout_pace")  # runs from before there was one have none
        model = cls(jepa, about["dt"], about["horizon"], about["readout_hidden"], pace)
        model.load_state_dict(load_file(folder / WEIGHTS))
        return model.eval()
