"""`Episodes`: whole closed-loop runs of one policy, cut where each of them ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from jepa_social.scene import OF_FRAMES, Scene
from jepa_social.worlds.clearance import companions, ego_track, people_clearance, wall_clearance

GOAL_REACH = 0.3
"""m; nearer than this to the goal is success (CrowdNav's robot radius)."""


@dataclass(frozen=True)
class Episodes:
    """E finished episodes of one policy.

    Attributes:
        policy: name of the policy.
        scene: the whole runs `[E,N,T]`; frame 0 is the first decision, nobody is present after `stop`.
        stop: `[E]` index of the episode's last frame.
        goal: `[E,2]` m, the ego's goal.
        limit: `[E]` s allowed.
        seeds: `[E]` the seeds that made the episodes.
        scenarios: E names.
        decision_ms: `[E]` mean time of a decision, ms per scene.
        human_length: `[E]` m that the recorded person walked whom the ego replaces (replay), or None.
        human_time: `[E]` s that they took, or None.
    """

    policy: str
    scene: Scene
    stop: Tensor
    goal: Tensor
    limit: Tensor
    seeds: Tensor
    scenarios: list[str]
    decision_ms: Tensor
    human_length: Tensor | None = None
    human_time: Tensor | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def steps(self) -> Tensor:
        """Whether each step belongs to the episode: `[E,T-1]` bool."""
        return torch.arange(self.scene.frames - 1, device=self.stop.device) < self.stop[:, None]

    def select(self, index: Sequence[int]) -> "Episodes":
        """The episodes `index`, in that order."""
        pick = torch.as_tensor(index, dtype=torch.long, device=self.stop.device)
        return replace(
            self,
            scene=pick_scenes(self.scene, pick),
            stop=self.stop[pick],
            goal=self.goal[pick],
            limit=self.limit[pick],
            seeds=self.seeds[pick],
            scenarios=[self.scenarios[i] for i in pick.tolist()],
            decision_ms=self.decision_ms[pick],
            human_length=None if self.human_length is None else self.human_length[pick],
            human_time=None if self.human_time is None else self.human_time[pick],
        )

    @staticmethod
    def concatenate(parts: "Sequence[Episodes]") -> "Episodes":
        """One `Episodes` of all `parts`, agents and frames padded to the largest.

        Raises:
            ValueError: the parts belong to different policies, or there are none.
        """
        if not parts:
            raise ValueError("there are no episodes to concatenate")
        if len({part.policy for part in parts}) > 1:
            raise ValueError(f"episodes of different policies: {sorted({part.policy for part in parts})}")
        frames = max(part.scene.frames for part in parts)
        human = all(part.human_length is not None and part.human_time is not None for part in parts)
        return Episodes(
            policy=parts[0].policy,
            scene=Scene.collate([pad_frames(part.scene, frames) for part in parts]),
            stop=torch.cat([part.stop for part in parts]),
            goal=torch.cat([part.goal for part in parts]),
            limit=torch.cat([part.limit for part in parts]),
            seeds=torch.cat([part.seeds for part in parts]),
            scenarios=[name for part in parts for name in part.scenarios],
            decision_ms=torch.cat([part.decision_ms for part in parts]),
            human_length=torch.cat([p.human_length for p in parts if p.human_length is not None]) if human else None,
            human_time=torch.cat([p.human_time for p in parts if p.human_time is not None]) if human else None,
        )


def decided(scene: Scene, goal: Tensor) -> Tensor:
    """Whether each step ends in a collision or at `goal [E,2]`: `[E,T-1]` bool.

    Collision: the ego touches a stranger or a wall on the swept segment. Success: nearer than `GOAL_REACH` at its end.
    Touching one's own group ends nothing: recorded friends walk shoulder to shoulder. It is scored all the same.
    """
    touch = torch.minimum(people_clearance(scene, ~companions(scene)), wall_clearance(scene)) < 0
    return touch | ((ego_track(scene)[:, 1:] - goal[:, None]).norm(dim=-1) < GOAL_REACH)


def endings(scene: Scene, goal: Tensor, limit: Tensor) -> Tensor:
    """Index `[E]` of the frame at which each episode is over: `decided` or `limit [E]` s reached, else the last."""
    frame = torch.arange(1, scene.frames, device=goal.device)
    over = decided(scene, goal) | out_of_time(frame, scene.dt[:, None], limit[:, None])
    return torch.where(over.any(dim=1), over.int().argmax(dim=1) + 1, scene.frames - 1)


def out_of_time(frame: Tensor | int, dt: Tensor, limit: Tensor) -> Tensor:
    """Whether `frame` lies at or after the limit (s), rounding aside."""
    return frame * dt >= limit - 1e-3 * dt


def cut_at(scene: Scene, stop: Tensor) -> Scene:
    """Forget what came after the frame `stop [E]`: nobody is present there, and needless frames are dropped."""
    new = scene.between(0, int(stop.max()) + 1)
    after = torch.arange(new.frames, device=stop.device) > stop[:, None]
    return absent(new, after[:, None, :].expand_as(new.present))


def pick_scenes(scene: Scene, index: Tensor) -> Scene:
    """The scenes `index` (integers or a mask) of a batch."""
    return scene[index]  # pyright: ignore[reportIndexIssue]


def absent(scene: Scene, where: Tensor) -> Scene:
    """The scene with nobody `where [E,N,T]`."""
    new = scene.between(0, scene.frames)
    new.present = scene.present & ~where
    new.position = scene.position.masked_fill(where[..., None], 0.0)
    new.velocity = scene.velocity.masked_fill(where[..., None], 0.0)
    new.heading = scene.heading.masked_fill(where, 0.0)
    return new


def pad_frames(scene: Scene, frames: int) -> Scene:
    """Append frames in which nobody is present until there are `frames`."""
    extra = frames - scene.frames
    new = scene.between(0, scene.frames)
    for name in OF_FRAMES:
        value = getattr(scene, name)
        shape = (*value.shape[:2], extra, *value.shape[3:])
        setattr(new, name, torch.cat((value, value.new_zeros(shape)), dim=2))
    return new
