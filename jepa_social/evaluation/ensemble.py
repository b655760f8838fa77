"""Several models as one forecaster: trainings err apart, and their mean errs less (Lakshminarayanan et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jepa_social.evaluation.forecasters import Imagines
from jepa_social.mind.separation import keep_apart
from jepa_social.scene import Scene


class Ensemble:
    """The mean of what `members` forecast, and the futures of each in turn.

    Args:
        name: of its row.
        members: models that were trained apart, on the same recordings.
    """

    def __init__(self, name: str, members: Sequence[Imagines]):
        self.name, self.members = name, members

    @property
    def futures(self) -> float:
        """See `Imagines`."""
        return len(self.members) * min(member.futures for member in self.members)

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """The mean of the forecasts, in which people keep apart, `[B,N,H,2]` m."""
        mean = torch.stack([member.forecast(scene, horizon) for member in self.members]).mean(0)
        return keep_apart(mean[:, None], scene.present[:, :, -1])[:, 0]

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """The likeliest of each, then the second of each and so on, `[B,S,N,H,2]` m."""
        each = -(-samples // len(self.members))
        taken = [member.sample(scene, horizon, each) for member in self.members]
        return torch.stack(taken, dim=2).flatten(1, 2)[:, :samples]

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """As many of each, `[B,S,N,H,2]` m."""
        each = -(-samples // len(self.members))
        drawn = [member.draw(scene, horizon, each, seed) for member in self.members]
        return torch.stack(drawn, dim=2).flatten(1, 2)[:, :samples]
