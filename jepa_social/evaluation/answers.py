"""Did people answer to the ego as it expected? Scored by the simulator, in which the same moment goes on otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.acquainted import Acquainted
from jepa_social.worlds.crowd import Crowd

LEAVES = 1.0
"""m from its goal within which an ego is no longer looked at: it is about to stop."""


@dataclass
class Answers:
    """What an ego changed of others' next second, person by person.

    Attributes:
        expected: m, by the world model (see `Comparison`).
        true: m, half the difference between the moment as it went on and as it would have on the coin's other side.
        episode: of which episode each is.
    """

    expected: Float[Tensor, "K 2"]
    true: Float[Tensor, "K 2"]
    episode: Tensor

    @property
    def slope(self) -> float:
        """True change for each unit of the expected one: what a picture of these people should come to; 0 if none is
        expected."""
        return float((self.expected * self.true).sum() / self.expected.square().sum().clamp(min=1e-12))

    def columns(self, regard: float) -> dict[str, np.ndarray]:
        """Of each episode, for an ego that thinks people mind so much; cm.

        - `answer_error`: distance of the expected from the true change
        - `answer_bias`: expected minus true, along what was expected: above 0 where it thinks that people mind more
          than they do (embarrassment without cause), below where they mind more than it thinks (obliviousness)
        """
        miss = regard * self.expected - self.true
        along = self.expected / self.expected.norm(dim=-1, keepdim=True).clamp(min=1e-9)
        count = torch.bincount(self.episode)
        found = {"answer_error": miss.norm(dim=-1), "answer_bias": (miss * along).sum(-1)}
        return {
            name: (100 * torch.bincount(self.episode, value) / count)[count > 0].double().numpy()
            for name, value in found.items()
        }


@torch.no_grad()
def walk_among(ego: Acquainted, world: Crowd, seeds: Sequence[int], seconds: float, reach: float = 3.0) -> Answers:
    """Walk so long, and find out what each coin changed; an ego without a coin only meets people: no answers.

    Args:
        ego: learns on the way, if it does.
        world: is reset.
        seeds: one an episode.
        seconds: of each.
        reach: m from the ego at the coin's toss, within which people count.
    """
    scene = world.reset(seeds)
    goal = scene.goal
    assert goal is not None, "a crowd has goals"
    ego.reset()
    expected, true, episode = [], [], []
    other, then = world, scene
    for step in range(round(seconds / world.dt) + 1):
        action = ego.act(scene)
        if step % ego.frames == 0:
            if step >= 2 * ego.frames and ego.nudge:
                one = ego.comparisons[-1]
                changed = (scene.position[:, :, -1] - other.scene().position[:, :, -1]) / 2
                here = then.position[:, :, -1]
                near = (here - here[:, :1]).norm(dim=-1) < reach
                leaves = (goal - here[:, 0]).norm(dim=-1) < LEAVES
                counts = one.known & near & ~leaves[:, None]
                expected.append(one.expected[counts])
                true.append(changed[counts])
                episode.append(counts.nonzero()[:, 0])
            other, then = world.clone(), scene
        scene = world.step(action)
        if ego.nudge:
            other.step(ego.instead[-1])
    if not expected:
        return Answers(torch.zeros(0, 2), torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    return Answers(torch.cat(expected), torch.cat(true), torch.cat(episode))
