"""A policy that learns, as it goes, how people really answer to what it does: act, observe, compare, update, act.

What people do is mostly not about the ego: where they would be without it is guessed less well (about 0.2 m after a
second) than it moves them (a few cm), and the error of that guess goes with what was expected. Held against its
absence, an ego therefore learns what it likes. A coin mends that: it decides on which side of its way the ego walks for
a while, nothing else has to do with it, and so what people do differently is the ego's doing (a randomised experiment:
Fisher 1935; an intervention: Pearl 2009).
"""

from collections import deque
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import distances, shortened
from jepa_social.mind.regard import Regard
from jepa_social.planning.costs.social_reward import SocialReward
from jepa_social.planning.dynamics import Dynamics
from jepa_social.planning.policy import Policy
from jepa_social.scene import Scene
from jepa_social.worlds.ego import own, own_limits

LATER = 1.0
"""s after which what came about is compared with what was expected, and a coin is tossed anew."""


@dataclass
class Comparison:
    """What the ego did to people within `LATER`, m.

    Attributes:
        expected: by the world model: half of what the other side of the coin would have changed; without a coin, what
            the ego changed against its absence.
        reaction: where people are, against the middle of the two; without a coin, against the absence.
        known: who was looked at.
    """

    expected: Float[Tensor, "B N 2"]
    reaction: Float[Tensor, "B N 2"]
    known: Bool[Tensor, "B N"]


class Acquainted:
    """Any policy, with a picture of the people that it meets; its costs may ask for it.

    The first `LATER` s are only watched: nobody's course is known yet. Scenes come in the same order and number until
    `reset`.

    Args:
        policy: acts.
        dynamics: how people are expected to move.
        regard: the picture; it outlives `reset`, which only begins other people.
        cost: is told of it; None: nothing depends on it.
        nudge: m/s by which a coin moves it to the left or right of where the policy goes; 0: no coin.
        learns: whether it is corrected by what happens.
        compares: if not, it is corrected as if what it expected had happened.
        near: people looked at.
        seed: of the coins.
    """

    def __init__(
        self,
        policy: Policy,
        dynamics: Dynamics,
        regard: Regard,
        cost: SocialReward | None = None,
        nudge: float = 0.0,
        learns: bool = True,
        compares: bool = True,
        near: int = 20,
        seed: int = 0,
    ):
        self.name, self.policy, self.dynamics, self.regard = policy.name, policy, dynamics, regard
        self.cost, self.nudge, self.learns, self.compares, self.near = cost, nudge, learns, compares, near
        self.coin = torch.Generator().manual_seed(seed)
        self.frames = round(LATER / dynamics.dt)
        self._begin()

    def reset(self) -> None:
        """Other people are met."""
        self.policy.reset()
        self._begin()

    def _begin(self) -> None:
        self.seen: deque[Scene] = deque(maxlen=1 + self.frames)
        self.instead: deque[Tensor] = deque(maxlen=self.frames)
        self.comparisons: list[Comparison] = []
        self.step = -1

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s.

        Raises:
            ValueError: the scene's time step is not that of the dynamics.
        """
        if abs(float(scene.dt[0]) - self.dynamics.dt) > 1e-6:
            raise ValueError(
                f"acquaintance compares frames at {self.dynamics.dt} s, the scene has {float(scene.dt[0])}: "
                "let the world step as the model does"
            )
        self.step += 1
        if self.step == 0:
            self.regard.begin(len(scene), scene.agents)
        self.seen.append(scene)
        if self.step % self.frames == 0:
            if self.step >= 2 * self.frames:
                self._compare()
            self.side = (torch.rand(len(scene), 1, generator=self.coin) < 0.5).float() * 2 - 1
        if self.cost is not None:
            self.cost.believe(scene.position[:, :, -1], self.regard.estimate())
        wanted = self.policy.act(scene)
        return self._nudged(wanted, scene) if self.nudge else wanted

    def _nudged(self, wanted: Tensor, scene: Scene) -> Tensor:
        way, speed = own_limits(scene)
        way = way / way.norm(dim=-1, keepdim=True).clamp(min=0.1)
        aside = self.nudge * self.side.to(way) * torch.stack((-way[:, 1], way[:, 0]), dim=-1)
        one, other = (shortened(wanted + sign * aside, speed) for sign in (1, -1))
        self.instead.append(other)
        return one

    def _compare(self) -> None:
        instead = torch.stack(list(self.instead), dim=1) if self.nudge else None
        one = compare(self.dynamics, list(self.seen), instead, self.near)
        self.comparisons.append(one)
        if self.learns:
            self.regard.observe(one.expected, one.reaction if self.compares else one.expected, one.known)


@torch.no_grad()
def compare(dynamics: Dynamics, seen: list[Scene], instead: Float[Tensor, "B T 2"] | None, near: int) -> Comparison:
    """The first of some scenes, a frame apart, imagined up to the last: as the ego walked, and as it did not.

    Args:
        dynamics: imagine.
        seen: T + 1 scenes of the same slots.
        instead: m/s, what the other side of the coin would have made it do; None: nothing, it would not be there.
        near: people looked at.
    """
    then, now = seen[0], seen[-1]
    path = torch.stack([own(scene, scene.position) for scene in seen], dim=1)
    done = path.diff(dim=1) / dynamics.dt
    people = dynamics.prepare(then.nearest(1 + near), near)
    slot = distances(people.position, then.position[:, :, -1]).argmin(-1)
    place = now.position[:, :, -1].gather(1, slot[..., None].expand(-1, -1, 2))
    there = people.exists & now.present[:, :, -1].gather(1, slot)
    if instead is None:
        base = dynamics.absent(people, done.shape[1], then.dt)[:, :, -1]
        expected = dynamics.roll(people, done[:, None], then.dt)[:, 0, :, -1] - base
    else:
        both = dynamics.roll(people, torch.stack((done, instead), dim=1), then.dt)[:, :, :, -1]
        base, expected = both.mean(1), (both[:, 0] - both[:, -1]) / 2

    slot = torch.where(there, slot, then.ego[:, None])  # who is not there must not overwrite who is
    spread = [value.new_zeros(len(then), then.agents, 2) for value in (expected, place)]
    expected, reaction = (
        blank.scatter(1, slot[..., None].expand_as(value), value)
        for blank, value in zip(spread, (expected, place - base), strict=True)
    )
    known = torch.zeros_like(then.present[:, :, -1]).scatter(1, slot, there)
    known.scatter_(1, then.ego[:, None], False)
    return Comparison(expected, reaction, known)
