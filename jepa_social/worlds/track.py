"""The memory of a running world: frame after frame, and the `Scene` it makes of the last few."""

from dataclasses import dataclass, field, replace

import torch
from tensordict import TensorDict
from torch import Tensor

from jepa_social.kinematics import MIN_SPEED
from jepa_social.scene import OF_FRAMES, Scene


@dataclass
class Track:
    """What happened so far in E scenes; frames are never changed once pushed, so copies share them.

    Attributes:
        kind, radius: `[E,N]`.
        dt: s.
        goal: `[E,2]` m, the ego's; the ego is agent 0.
        speed: `[E]` m/s, the ego's.
        walls: `[E,W,4]` m or None.
    """

    kind: Tensor
    radius: Tensor
    dt: float
    goal: Tensor
    speed: Tensor
    walls: Tensor | None
    position: list[Tensor] = field(default_factory=list)
    velocity: list[Tensor] = field(default_factory=list)
    heading: list[Tensor] = field(default_factory=list)
    present: list[Tensor] = field(default_factory=list)

    def push(self, position: Tensor, present: Tensor) -> None:
        """Append one frame: `position [E,N,2]` m, `present [E,N]` bool; velocities are backward differences."""
        everybody = bool(present.all())
        new = (position if everybody else torch.where(present[..., None], position, 0.0)).float()
        if self.present:
            velocity = (new - self.position[-1]) / self.dt
            if not (everybody and self.present[-1] is present):
                velocity = torch.where((present & self.present[-1])[..., None], velocity, 0.0)
            vx, vy = velocity.unbind(-1)
            heading = torch.where(vx * vx + vy * vy > MIN_SPEED**2, torch.atan2(vy, vx), self.heading[-1])
        else:
            velocity, heading = torch.zeros_like(new), torch.zeros_like(new[..., 0])
        self.position.append(new)
        self.velocity.append(velocity)
        self.heading.append(heading)
        self.present.append(present)

    def window(self, frames: int, truth: TensorDict | None = None) -> Scene:
        """The last `frames` frames, padded on the left with frames in which nobody is present."""

        def stack(values: list[Tensor]) -> Tensor:
            last = values[-frames:]
            return torch.stack([torch.zeros_like(last[0])] * (frames - len(last)) + last, dim=2)

        last, heading = self.present[-frames:], stack(self.heading)
        steady = len(last) == frames and all(frame is last[0] for frame in last)
        present = last[0][..., None].expand(-1, -1, frames).contiguous() if steady else stack(self.present)
        return Scene(
            position=stack(self.position),
            velocity=stack(self.velocity),
            heading=heading if steady and bool(last[0].all()) else heading * present,
            present=present,
            kind=self.kind,
            radius=self.radius,
            ego=torch.zeros(len(self.kind), dtype=torch.long, device=self.kind.device),
            dt=torch.full((len(self.kind),), self.dt, device=self.kind.device),
            goal=self.goal,
            speed=self.speed,
            walls=self.walls,
            truth=truth,
            batch_size=[len(self.kind)],  # pyright: ignore[reportCallIssue]
        )

    def taken(self, index: Tensor) -> "Track":
        """The scenes `index`; pushing to the copy leaves this one as it is."""

        def again(value: Tensor) -> Tensor:
            return value[index]

        return replace(
            self,
            kind=again(self.kind),
            radius=again(self.radius),
            goal=again(self.goal),
            speed=again(self.speed),
            walls=None if self.walls is None else again(self.walls),
            position=[again(value) for value in self.position],
            velocity=[again(value) for value in self.velocity],
            heading=[again(value) for value in self.heading],
            present=[again(value) for value in self.present],
        )

    def replaced(self, scenes: Tensor, source: "Track", taken: Tensor, frames: int) -> "Track":
        """The last `frames` frames, with the scenes `taken` of `source` where `scenes` were.

        Where `source` is younger, nobody is present in those scenes before its start.
        """

        def put(value: Tensor, new: Tensor) -> Tensor:
            return value.index_put((scenes,), new[taken])

        def frames_of(mine: list[Tensor], other: list[Tensor]) -> list[Tensor]:
            mine, other = mine[-frames:], other[-frames:]
            other = [torch.zeros_like(other[0])] * max(0, len(mine) - len(other)) + other
            return [put(value, new) for value, new in zip(mine, other[-len(mine) :], strict=True)]

        return replace(
            self,
            kind=put(self.kind, source.kind),
            radius=put(self.radius, source.radius),
            goal=put(self.goal, source.goal),
            speed=put(self.speed, source.speed),
            walls=None if self.walls is None or source.walls is None else put(self.walls, source.walls),
            **{name: frames_of(getattr(self, name), getattr(source, name)) for name in OF_FRAMES},
        )
