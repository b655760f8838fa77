"""The dynamic-window approach (Fox, Burgard & Thrun, IEEE RAM 1997) for a holonomic disc among moving people."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.geometry import closest_on_segment, shortened, time_to_touch
from jepa_social.history import localised
from jepa_social.planning.plans import axes_toward
from jepa_social.scene import Scene
from jepa_social.worlds.ego import common_step, last_frame, own, own_limits, own_radius, to_goal, within_limits

DIRECTIONS, RINGS = 24, 3
"""Velocities judged: so many directions on so many rings of the window, and the few that always are."""

LOOKS = 16
"""Moments of the horizon at which walls are looked for."""


class DynamicWindow:
    """Chooses among the velocities that can be reached within one step the one of greatest

        heading · (1 - angle to the goal / pi) + clearance · (time to touch / horizon) + pace · (speed / preferred)

    (their eq. 1 with time in place of distance, as people move: at constant velocity). Velocities from which the ego
    could not brake before it touches something are not admissible; if none is, the longest time to touch decides. The
    window is a disc, as a holonomic ego accelerates alike in all directions; only to stop on the goal it may brake
    harder. Who is nearer than `margin` already counts as touched as soon as the distance shrinks.

    Args:
        heading, clearance, pace: weights.
        margin: m that people are wider.
        horizon: s.
        acceleration: m/s^2.

    Raises:
        ValueError: a weight or the margin is negative, or the horizon or the acceleration not positive.
    """

    name = "dynamic window"

    def __init__(
        self,
        heading: float = 1.0,
        clearance: float = 1.0,
        pace: float = 0.5,
        margin: float = 0.15,
        horizon: float = 3.0,
        acceleration: float = 4.0,
    ):
        if min(heading, clearance, pace, margin) < 0 or horizon <= 0 or acceleration <= 0:
            raise ValueError(
                "the dynamic window needs weights and margin >= 0, horizon and acceleration > 0, got "
                f"{heading=} {clearance=} {pace=} {margin=} {horizon=} {acceleration=}"
            )
        self.heading, self.clearance, self.pace = heading, clearance, pace
        self.margin, self.horizon, self.acceleration = margin, horizon, acceleration

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, scene: Scene) -> Float[Tensor, "B 2"]:
        """Velocity command, m/s, world frame."""
        scene, _ = localised(scene)
        wanted = to_goal(scene)
        _, speed = own_limits(scene)
        now = own(scene, scene.velocity)
        choice = self._window(now, wanted, speed, common_step(scene))
        free = torch.minimum(self._until_people(scene, choice), self._until_walls(scene, choice))
        pace = choice.norm(dim=-1)
        admissible = pace <= 2 * self.acceleration * free
        apart = torch.atan2(_cross(wanted[:, None], choice), (wanted[:, None] * choice).sum(-1)).abs()
        facing = torch.where(pace > 1e-6, 1.0 - apart / torch.pi, 0.0)
        near = free.clamp(max=self.horizon) / self.horizon
        merit = self.heading * facing + self.clearance * near + self.pace * pace / speed[:, None].clamp(min=1e-6)
        worst = -1.0 - self.horizon
        best = torch.where(admissible, merit, worst + near).argmax(1)
        return within_limits(choice[torch.arange(len(choice), device=choice.device), best], scene)

    def _window(self, now: Tensor, wanted: Tensor, speed: Tensor, dt: float) -> Float[Tensor, "B V 2"]:
        """Velocities within `acceleration * dt` of `now`: to the goal, braking, keeping on, and rings all round."""
        reach = self.acceleration * dt
        angle = torch.arange(DIRECTIONS, device=now.device) * (2 * torch.pi / DIRECTIONS)
        circle = torch.stack((angle.cos(), angle.sin()), dim=-1)
        share = torch.arange(1, RINGS + 1, device=now.device) / RINGS
        rings = (share[:, None, None] * circle).flatten(0, 1)
        around = torch.einsum("vd,bde->bve", rings, axes_toward(torch.zeros_like(wanted), wanted)) * reach
        straight, brake = shortened(wanted - now, reach), shortened(-now, reach)
        change = torch.cat((straight[:, None], brake[:, None], torch.zeros_like(now[:, None]), around), dim=1)
        choice = now[:, None] + change
        return shortened(choice, torch.maximum(speed, (now + brake).norm(dim=-1))[:, None])

    def _until_people(self, scene: Scene, choice: Float[Tensor, "B V 2"]) -> Float[Tensor, "B V"]:
        """Seconds until a person is touched, they at constant velocity."""
        present, position, velocity, ego = last_frame(scene)
        offset = position - own(scene, scene.position)[:, None]
        away = offset.norm(dim=-1)
        reach = torch.minimum(scene.radius + own_radius(scene)[:, None] + self.margin, 0.99 * away)
        relative = velocity[:, None] - choice[:, :, None]
        time = time_to_touch(offset[:, None].expand_as(relative), relative, reach[:, None])
        there: Bool[Tensor, "B N"] = present.scatter(1, ego, False)
        return time.masked_fill(~there[:, None], torch.inf).amin(2)

    def _until_walls(self, scene: Scene, choice: Float[Tensor, "B V 2"]) -> Float[Tensor, "B V"]:
        """Seconds until a wall is touched."""
        if scene.walls is None or not scene.walls.shape[1]:
            return torch.full_like(choice[..., 0], torch.inf)
        here, walls = own(scene, scene.position), scene.walls[:, None, None]
        moment = torch.arange(LOOKS + 1, device=choice.device) * (self.horizon / LOOKS)
        place = (here[:, None, None] + moment[:, None] * choice[:, :, None])[..., None, :]
        away = (closest_on_segment(place, walls[..., :2], walls[..., 2:]) - place).norm(dim=-1)
        touched = away[:, :, 1:] < torch.minimum(own_radius(scene).view(-1, 1, 1, 1), 0.99 * away[:, :, :1])
        return torch.where(touched.any(-1), moment[1:], torch.inf).amin(2)


def _cross(u: Tensor, v: Tensor) -> Tensor:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
