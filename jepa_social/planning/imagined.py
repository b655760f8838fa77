"""What a plan is judged by: where it takes the ego, and where the people around are expected to be meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import closest_on_segment, swept_distance
from jepa_social.worlds.route import Route

REACHED = 0.25
"""m from the goal at which a plan has arrived, a little inside the 0.3 m that count."""


@dataclass
class Sampled:
    """Joint futures of the people under M draws of everybody's intent, equally likely.

    Attributes:
        position: m, at T = H + 1 instants, the present one first.
        scale: m, standard deviation of each coordinate about it.
    """

    position: Float[Tensor, "B R M K T 2"]
    scale: Float[Tensor, "B R M K H"]


@dataclass
class Human:
    """What somebody in the ego's place would do, its goal unknown: a Gaussian at each step.

    Attributes:
        position: mean, m.
        scale: m, standard deviation of each coordinate.
    """

    position: Float[Tensor, "B H 2"]
    scale: Float[Tensor, "B H"]


@dataclass
class OnRequest:
    """What only some costs look at: worked out when one does.

    Attributes:
        sampled: futures under so many draws of intents.
        absent: where people would be if the ego were not there, m; the present positions first.
        human: what people do in the ego's place.
    """

    sampled: Callable[[int], Sampled]
    absent: Callable[[], Tensor]
    human: Callable[[], Human]


@dataclass
class Imagined:
    """Futures of B scenes under S plans, K people near, H steps. Where people do not depend on the plan, R = 1, else
    R = S.

    Attributes:
        actions: ego's velocity commands, m/s.
        ego: ego's positions, the present one first, m.
        people: positions of the people, the present ones first, m.
        people_velocity: of the people at present, m/s.
        exists: which of the K slots hold somebody.
        reach: sum of the ego's and the person's radius, m.
        radius: the ego's, m.
        velocity: the ego's at present, m/s.
        goal: m.
        aim: m, the goal or the next waypoint on the way to it.
        speed: the ego's preferred, m/s.
        dt: s.
        walls: segments x0 y0 x1 y1, m, or None.
        route: the ways to the goal round the walls; None: straight on.
        on_request: what the methods of these names ask, or None.
    """

    actions: Float[Tensor, "B S H 2"]
    ego: Float[Tensor, "B S H+1 2"]
    people: Float[Tensor, "B R K H+1 2"]
    people_velocity: Float[Tensor, "B K 2"]
    exists: Bool[Tensor, "B K"]
    reach: Float[Tensor, "B K"]
    radius: Float[Tensor, "B"]
    velocity: Float[Tensor, "B 2"]
    goal: Float[Tensor, "B 2"]
    aim: Float[Tensor, "B 2"]
    speed: Float[Tensor, "B"]
    dt: Float[Tensor, "B"]
    walls: Float[Tensor, "B W 4"] | None = None
    route: Route | None = None

    @cached_property
    def left(self) -> Float[Tensor, "B S T"]:
        """Way (m) to the goal in all T = H + 1 frames; from arrival on it stays, since the ego will stop there."""
        if self.route is None:
            left = (self.ego - self.goal[:, None, None]).norm(dim=-1)
        else:
            left = self.route.left(self.ego.flatten(1, 2)).view(self.ego.shape[:-1])
        at = torch.cat((torch.ones_like(left[..., :1]), self.underway), dim=-1).sum(-1, keepdim=True).long() - 1
        return left.gather(-1, torch.minimum(at, torch.arange(left.shape[-1], device=left.device)))

    @cached_property
    def underway(self) -> Float[Tensor, "B S H"]:
        """1 for steps up to arrival at the goal, 0 later: then the way is over, and who is met is no matter."""
        there = (self.ego[..., 1:-1, :] - self.goal[:, None, None]).norm(dim=-1) < REACHED
        before = torch.cat((torch.zeros_like(there[..., :1]), there), dim=-1)
        return (before.cumsum(-1) == 0).to(self.ego.dtype)

    on_request: OnRequest | None = None

    def sampled(self, draws: int) -> Sampled:
        """Futures under `draws` joint intents; dynamics without intents have one future."""
        return self._asked().sampled(draws)

    def absent(self) -> Float[Tensor, "B K T 2"]:
        """Where people would be if the ego were not there, m."""
        return self._asked().absent()

    def human(self) -> Human:
        """What people do in the ego's place."""
        return self._asked().human()

    def _asked(self) -> OnRequest:
        if self.on_request is None:
            raise ValueError("a cost asks about other futures than this one: give Imagined its on_request")
        return self.on_request

    @cached_property
    def people_velocities(self) -> Float[Tensor, "B R K H 2"]:
        """Mean velocity (m/s) of the people within each step."""
        return self.people.diff(dim=3) / self.dt.view(-1, 1, 1, 1, 1)

    @cached_property
    def distance(self) -> Float[Tensor, "B S K H"]:
        """Least centre distance (m) to each person within each step, both moving straight; far where nobody is."""
        offset = self.people - self.ego[:, :, None]
        swept = swept_distance(offset[..., :-1, :], offset[..., 1:, :])
        return torch.where(self.exists[:, None, :, None], swept, torch.full_like(swept, 1e3))

    @cached_property
    def clearance(self) -> Float[Tensor, "B S K H"]:
        """`distance` less both radii: below zero discs overlap."""
        return self.distance - self.reach[:, None, :, None]

    @cached_property
    def wall_clearance(self) -> Float[Tensor, "B S W H"] | None:
        """Distance (m) of the ego's disc to each wall at the end of each step, and to its ends within each step."""
        if self.walls is None:
            return None
        ends = self.walls[:, None, :, None].unflatten(-1, (2, 2)).unbind(-2)
        before, point = self.ego[:, :, None, :-1], self.ego[:, :, None, 1:]
        distance = (closest_on_segment(point, *ends) - point).norm(dim=-1)
        for end in ends:
            distance = torch.minimum(distance, (closest_on_segment(end, before, point) - end).norm(dim=-1))
        return distance - self.radius.view(-1, 1, 1, 1)
