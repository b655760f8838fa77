"""Several models as one forecaster: trainings err apart, and their mean errs less (Lakshminarayanan et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jepa_social.evaluation.forecasters import Imagines
from jepa_social.mind.separation import keep_apart
from jepa_social.scene import Scene


class Ensemble:
    """The mean of what `members` forecast, and about it the futures of the first.

    Futures are not shared out: the likeliest few of each member are likelier, and less unlike, than all of one.

    Args:
        name: of its row.
        members: models that were trained apart, on the same recordings.
    """

    def __init__(self, name: str, members: Sequence[Imagines]):
        self.name, self.members = name, members

    @property
    def futures(self) -> float:
        """See `Imagines`."""
        return self.members[0].futures

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """The mean of the forecasts, in which people keep apart, `[B,N,H,2]` m."""
        return self._mean(scene, horizon)[0]

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """Those of the first member, moved to where the mean is, `[B,S,N,H,2]` m."""
        moved = self.members[0].sample(scene, horizon, samples) + self._aside(scene, horizon)
        return keep_apart(moved, scene.present[:, :, -1])

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """Those of the first member, moved to where the mean is, `[B,S,N,H,2]` m."""
        return self.members[0].draw(scene, horizon, samples, seed) + self._aside(scene, horizon)

    def _aside(self, scene: Scene, horizon: int) -> Tensor:
        """From the first member's forecast to the mean, `[B,1,N,H,2]` m."""
        mean, first = self._mean(scene, horizon)
        return (mean - first)[:, None]

    def _mean(self, scene: Scene, horizon: int) -> tuple[Tensor, Tensor]:
        """The mean and the first member's forecast, each member asked once."""
        paths = torch.stack([member.forecast(scene, horizon) for member in self.members])
        return keep_apart(paths.mean(0)[:, None], scene.present[:, :, -1])[:, 0], paths[0]
