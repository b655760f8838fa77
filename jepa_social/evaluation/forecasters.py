"""What forecasts: the protocol, the world model behind it, and the rows that need no network.

A learned forecast that does not beat these has learned nothing. `anchors` holds the strongest of them.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from jepa_social.evaluation.chance import normal
from jepa_social.evaluation.forecasting import constant_velocity
from jepa_social.geometry import rotate
from jepa_social.scene import Scene


class Imagines(Protocol):
    """What a model must be able to do to be scored; `scene` holds observed frames only, all paths are m, world frame.

    No answer may depend on padding, on the order of agents or on which scenes share a batch.
    """

    @property
    def futures(self) -> float:
        """How many futures `sample` can give; infinity: as many as are asked for."""
        ...

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """One best guess, `[B,N,H,2]`."""
        ...

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """S futures of whole scenes, most likely first, `[B,S,N,H,2]`: best of k takes the first k."""
        ...

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """Random draws from the predictive distribution, `[B,S,N,H,2]`: what likelihood and calibration look at."""
        ...


class Forecaster(Imagines, Protocol):
    """A row of the table: what imagines, and its `name`."""

    name: str


class Named:
    """A model (such as a `WorldModel`) under the name of its row."""

    def __init__(self, name: str, model: Imagines):
        self.name, self.model = name, model

    @property
    def futures(self) -> float:
        """See `Imagines`."""
        return self.model.futures

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """See `Imagines`."""
        return self.model.forecast(scene, horizon)

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """See `Imagines`."""
        return self.model.sample(scene, horizon, samples)

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """See `Imagines`."""
        return self.model.draw(scene, horizon, samples, seed)


class Deterministic:
    """A single guess: every sample and every draw is the forecast itself."""

    futures = math.inf

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """See `Imagines`."""
        raise NotImplementedError

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """The forecast, `samples` times."""
        path = self.forecast(scene, horizon)
        return path[:, None].expand(-1, samples, -1, -1, -1)

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """The forecast, `samples` times."""
        return self.sample(scene, horizon, samples)


class StandStill(Deterministic):
    """Everybody stays where they were last seen."""

    name = "stand still"

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """The last position, `horizon` times."""
        return scene.position[:, :, -1:].expand(-1, -1, horizon, -1)


class ConstantVelocityForecaster(Deterministic):
    """The last displacement is repeated; who has none stands (Schöller et al. 2020)."""

    name = "constant velocity"

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """See `forecasting.constant_velocity`."""
        return constant_velocity(scene, scene.frames, horizon)


class LeastSquares(Deterministic):
    """A straight line through all observed frames of each agent; who was seen once stands."""

    name = "least squares"

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """Ordinary least squares of position on time over the frames in which the agent is present."""
        weight = scene.present.to(scene.position.dtype)[..., None]
        count = weight.sum(2, keepdim=True).clamp(min=1.0)
        time = torch.arange(1 - scene.frames, 1, device=weight.device, dtype=weight.dtype)[:, None]
        mean_time = (weight * time).sum(2, keepdim=True) / count
        mean = (weight * scene.position).sum(2, keepdim=True) / count
        spread = (weight * (time - mean_time).square()).sum(2, keepdim=True)
        slope = (weight * (time - mean_time) * (scene.position - mean)).sum(2, keepdim=True) / spread.clamp(min=1e-6)
        ahead = torch.arange(1, horizon + 1, device=weight.device, dtype=weight.dtype)[:, None]
        return mean + slope * (ahead - mean_time)


class RandomHeadings:
    """Constant velocity, its heading turned by a normal angle (Schöller et al. 2020, σ = 25°).

    Agents of one sample share nothing, which is why it does badly where one sample must fit the whole scene. Samples
    are equally likely; the best guess is constant velocity itself.
    """

    name = "random headings"
    futures = math.inf
    sigma = math.radians(25.0)

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """Constant velocity."""
        return constant_velocity(scene, scene.frames, horizon)

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """Random draws: none is likelier than another."""
        return self.draw(scene, horizon, samples, seed=0)

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """Each agent's straight path in `samples` directions."""
        angle = self.sigma * normal(scene, samples, seed).to(scene.position.dtype)
        last = scene.position[:, None, :, -1:]
        return last + rotate(self.forecast(scene, horizon)[:, None] - last, angle[..., None])
