"""Dynamics of long steps, told in shorter ones."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.planning.dynamics import Dynamics, People, people_near
from jepa_social.planning.imagined import Human, Sampled
from jepa_social.scene import Scene


class Finer(Dynamics):
    """Lets a planner give commands more often than its dynamics imagine frames.

    The first command of a plan then lasts no longer than a decision. Between imagined frames people go straight; the
    plan that they may react to is the mean command over each frame.

    Args:
        dynamics: with frames of `dynamics.dt` s.
        step: s of a command.

    Raises:
        ValueError: a frame is no whole number of steps.
    """

    def __init__(self, dynamics: Dynamics, step: float):
        self.parts = round(dynamics.dt / step) if step > 0 else 0
        if self.parts < 1 or abs(self.parts * step - dynamics.dt) > 1e-4:
            raise ValueError(f"planner.step={step} must divide the {dynamics.dt} s between imagined frames, or be null")
        self.dynamics, self.dt = dynamics, step

    def prepare(self, scene: Scene, near: int) -> People:
        """As the dynamics do, from the frames that they know; velocities are those of `scene`."""
        fresh = people_near(scene, near)
        return replace(self.dynamics.prepare(scene.resampled(self.dynamics.dt), near), velocity=fresh.velocity)

    def roll(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor) -> Float[Tensor, "B R K H+1 2"]:
        """Positions (m) of people, the present ones first."""
        return self._between(self.dynamics.roll(people, self._whole(actions), self._long(dt)), actions.shape[2])

    def sample(self, people: People, actions: Float[Tensor, "B S H 2"], dt: Tensor, draws: int) -> Sampled:
        """The dynamics' futures; within a frame the error is what it is at its end."""
        steps = actions.shape[2]
        sampled = self.dynamics.sample(people, self._whole(actions), self._long(dt), draws)
        return Sampled(self._between(sampled.position, steps), self._held(sampled.scale, steps))

    def absent(self, people: People, horizon: int, dt: Tensor) -> Float[Tensor, "B K T 2"]:
        """Positions (m) of people if the ego were not there, the present ones first."""
        return self._between(self.dynamics.absent(people, self._frames(horizon), self._long(dt)), horizon)

    def human(self, people: People, horizon: int, dt: Tensor) -> Human:
        """What people do in the ego's place."""
        human = self.dynamics.human(people, self._frames(horizon), self._long(dt))
        path = torch.cat((people.scene.position[:, :1, -1], human.position), dim=1)
        return Human(self._between(path, horizon)[:, 1:], self._held(human.scale, horizon))

    def _frames(self, steps: int) -> int:
        """How many imagined frames it takes to reach so many steps ahead."""
        return -(-steps // self.parts)

    def _long(self, dt: Tensor) -> Tensor:
        return dt * self.parts

    def _whole(self, actions: Tensor) -> Float[Tensor, "B S F 2"]:
        """Mean command of each frame; the last one goes on to the end of its frame."""
        missing = self._frames(actions.shape[2]) * self.parts - actions.shape[2]
        filled = torch.cat((actions, actions[:, :, -1:].expand(-1, -1, missing, -1)), dim=2)
        return filled.unflatten(2, (-1, self.parts)).mean(3)

    def _between(self, path: Float[Tensor, "... F 2"], steps: int) -> Float[Tensor, "... T 2"]:
        """A path of frames, the present one first, at the present and after each step."""
        step = torch.arange(steps + 1, device=path.device)
        before = torch.div(step, self.parts, rounding_mode="floor")
        after = (before + 1).clamp(max=path.shape[-2] - 1)
        share = (step % self.parts / self.parts).to(path)[:, None]
        return torch.lerp(path[..., before, :], path[..., after, :], share)

    def _held(self, scale: Float[Tensor, "... F"], steps: int) -> Float[Tensor, "... H"]:
        return scale.repeat_interleave(self.parts, dim=-1)[..., :steps]
