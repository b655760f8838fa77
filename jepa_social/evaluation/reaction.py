"""Reaction fidelity: does a model know what the ego's plan *changes* of other people's futures?

The same moment goes on under several plans. What counts is the difference between the future under a plan and that
under a reference plan, d = x(plan) - x(reference): everything that the plan does not touch cancels, so a forecaster
that is good only at where people go anyway scores nothing. Constant velocity, or any other forecast that is blind to
the plan, predicts d = 0 and has an R² of 0 by construction.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.evaluation.probe_scores import Score, of_sums, ratio_score
from jepa_social.kinematics import oriented
from jepa_social.scene import Scene

NOTABLE = 0.1
"""m: a person who ends up less than this ahead of or behind its other self neither yields nor is yielded to."""


@dataclass(frozen=True)
class Changes:
    """What plans changed, K pairs of a person and a plan.

    Attributes:
        change: `[K,H,2]` m, future under the plan minus future under the reference.
        ahead: `[K,2]` unit vector in which the person was walking, zero where nobody saw it walk.
        episode: `[K]` what is resampled: people of one episode react together.
    """

    change: Float[Tensor, "K H 2"]
    ahead: Float[Tensor, "K 2"]
    episode: np.ndarray

    def of(self, change: Float[Tensor, "K H 2"]) -> "Changes":
        """The same people and plans with another change."""
        return Changes(change, self.ahead, self.episode)

    def where(self, chosen: np.ndarray) -> "Changes":
        """Only the rows `chosen` (`[K]` bool)."""
        mask = torch.as_tensor(chosen)
        return Changes(self.change[mask], self.ahead[mask], self.episode[chosen])

    def until(self, steps: int) -> "Changes":
        """The first `steps` steps."""
        return Changes(self.change[:, :steps], self.ahead, self.episode)

    @property
    def progress(self) -> Float[Tensor, "K"]:
        """m by which the plan has the person farther on its way at the last step: below 0 it was held up."""
        return (self.change[:, -1] * self.ahead).sum(-1)


def within_reach(scene: Scene, reach: float) -> Bool[Tensor, "B N"]:
    """Others whose centre is nearer than `reach` (m) to the ego's in the last frame of `scene`."""
    rows = torch.arange(len(scene.ego), device=scene.ego.device)
    here = scene.position[:, :, -1]
    near = (here - here[rows, scene.ego][:, None]).norm(dim=-1) < reach
    near[rows, scene.ego] = False
    return near & scene.present[:, :, -1]


def walking(scene: Scene) -> Float[Tensor, "B N 2"]:
    """Unit vectors in which agents walk in the last frame; zero for those who were never seen to move."""
    heading = scene.heading[:, :, -1]
    known = oriented(scene.velocity, scene.present)[:, :, -1, None]
    return torch.stack((heading.cos(), heading.sin()), dim=-1) * known


def reaction_scores(predicted: Changes, truth: Changes) -> dict[str, Score]:
    """Scores of a predicted change, each with bootstrap draws over episodes.

    - `change_error`: m, mean distance between predicted and true change over people, plans and steps.
    - `change_r2`: 1 - sum |predicted - true|² / sum |true|². The baseline is no change, not the mean change.
    - `change_correlation`: Pearson's, over both coordinates of all steps.
    - `yielding`: do they yield? A person yields to a plan that leaves it more than `NOTABLE` behind where it would be
      under the reference at the last step (it slows down, waits, passes later); it takes precedence if it is as much
      ahead. The score is the mean of the shares of yielders and of non-yielders whose sign is told; no change is half
      right, so one answer for all scores 0.5. Who occupies the space in question first is how road-user interactions
      are said to resolve (Markkula et al., Theoretical Issues in Ergonomics Science 21(6), 2020).

    Raises:
        ValueError: they differ in shape.
    """
    if predicted.change.shape != truth.change.shape:
        raise ValueError(f"changes differ in shape: {list(predicted.change.shape)} and {list(truth.change.shape)}")
    guess, real = (one.change.double().numpy() for one in (predicted, truth))
    steps = real.shape[1]
    off = np.linalg.norm(guess - real, axis=-1).sum(1)
    left = ratio_score(np.square(guess - real).sum((1, 2)), np.square(real).sum((1, 2)), truth.episode)
    return {
        "change_error": ratio_score(off, np.full(len(off), steps), truth.episode),
        "change_r2": Score(1.0 - left.value, 1.0 - left.draws, left.n),
        "change_correlation": _correlation(guess, real, truth.episode),
        "yielding": _yielding(predicted.progress.double().numpy(), truth.progress.double().numpy(), truth.episode),
    }


def _correlation(guess: np.ndarray, real: np.ndarray, episode: np.ndarray) -> Score:
    def total(value: np.ndarray) -> np.ndarray:
        return value.sum((1, 2))

    parts = [np.full(len(real), real[0].size if len(real) else 0), total(guess), total(real)]
    parts += [total(guess * real), total(guess * guess), total(real * real)]

    def score(sums: np.ndarray) -> np.ndarray:
        count, a, b, ab, aa, bb = sums.T
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = (count * aa - a * a) * (count * bb - b * b)
            return np.where(spread > 0, (count * ab - a * b) / np.sqrt(spread), np.nan)

    return of_sums(np.column_stack(parts).astype(np.float64), episode, score)


def _yielding(guess: np.ndarray, real: np.ndarray, episode: np.ndarray) -> Score:
    notable = np.abs(real) > NOTABLE
    guess, real, episode = guess[notable], real[notable], episode[notable]
    right = np.where(guess == 0, 0.5, np.sign(guess) == np.sign(real))
    yields = real < 0
    parts = np.column_stack((right * yields, yields, right * ~yields, ~yields)).astype(np.float64)

    def score(sums: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (sums[:, 0] / sums[:, 1] + sums[:, 2] / sums[:, 3]) / 2

    return of_sums(parts, episode, score)
