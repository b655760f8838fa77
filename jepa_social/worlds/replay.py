"""`Replay`: recorded people move as recorded, and the ego takes the place of one of them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from tensordict import TensorDict
from torch import Tensor

from jepa_social.data.resample import resample
from jepa_social.data.schema import Recording
from jepa_social.scene import FAR, Scene
from jepa_social.worlds.groups import recorded_groups
from jepa_social.worlds.track import Track
from jepa_social.worlds.tracks import Episode, around, episodes
from jepa_social.worlds.world import World

SLOWEST = 0.5
"""m/s, least preferred speed of an ego."""


class Replay(World):
    """Real logs as a world (non-reactive: nobody minds the ego).

    The ego replaces one recorded pedestrian: it starts where that person was in its `past`-th recorded frame and goes
    to the last recorded position. What was recorded before the start, of it and of others, is seen as far as `observed`
    frames reach. Each uninterrupted pedestrian track with at least `min_future` frames and `min_travel` m ahead is one
    episode; seeds take recordings in turn and, within one, its episodes in a fixed shuffled order, so that nearby seeds
    never repeat an episode before all have been used.

    The ego's preferred speed (`Scene.speed`) is the person's mean speed along the path, but at least 0.5 m/s. Actions
    are cut to that or, if greater, to the person's fastest recorded step, so that the person can be replayed exactly;
    policies keep to `Scene.speed`. An episode times out after twice the person's time plus 5 s.

    The protocol of the replay suites: decisions every 0.2 s (`dt`), half the recorded step of ETH/UCY, because a robot
    that may turn only every 0.4 s collides for that reason alone (ORCA with 0.1 m margin, radius 0.2 m, 500 episodes:
    0.82 success at 0.4 s, 0.89 at 0.2 s; the recorded human's 0.79 does not depend on it). The start is the second
    recorded frame, the first at which the ego has a velocity. Contacts are found on the swept segment, not at frames
    only. Recorded friends walk closer than 0.4 m, so who belongs to the ego's own group (`truth["group"]`, see
    `groups`) is told apart: touching them is scored but ends no episode.

    Args:
        recordings: the logs (non-empty); those of irregular or shorter steps than `dt` are resampled, and their frames
            are then what is said of recorded frames above and below.
        dt: s between frames of the world; recorded motion is linear between recorded frames.
        observed: frames in a returned scene.
        radius: m of every pedestrian, the ego's too (0.2: a collision is centres nearer than 0.4 m).
        past: recorded frames of the ego up to its first action, that of the start included; at least 1.
        min_future: recorded frames after the start.
        min_travel: m from start to goal.
        device: where the state lives.

    Attributes:
        human_path: `[E,T,2]` m of the replaced person from the first action on, in steps of `dt`; it stays at its end.
        human_length: `[E]` m along that path.
        human_time: `[E]` s from start to goal.

    Raises:
        ValueError: no recording has a track that is long enough.
    """

    human_path: Tensor
    human_length: Tensor
    human_time: Tensor

    def __init__(
        self,
        recordings: Sequence[Recording],
        dt: float = 0.4,
        observed: int = 8,
        radius: float = 0.2,
        past: int = 2,
        min_future: int = 8,
        min_travel: float = 3.0,
        device: torch.device | str = "cpu",
    ):
        if dt <= 0 or observed < 1 or radius <= 0:
            raise ValueError("world.dt, observed and radius must be positive")
        if past < 1 or min_future < 1:
            raise ValueError(f"world.past and min_future must be at least 1 frame, got {past} and {min_future}")
        self.recordings = tuple(
            resample(recording.ordered(), max(recording.dt, dt)) for recording in recordings if len(recording)
        )
        self.dt, self.observed, self.radius = dt, observed, radius
        self.device = torch.device(device)
        self._groups = [recorded_groups(recording) for recording in self.recordings]
        self._episodes: list[list[Episode]] = []
        for index, recording in enumerate(self.recordings):
            found = episodes(recording, index, past, min_future, min_travel)
            if found:
                self._episodes.append([found[i] for i in np.random.default_rng(0).permutation(len(found))])
        if not self._episodes:
            raise ValueError(
                f"none of {len(self.recordings)} recordings has a pedestrian track with {past} + {min_future} "
                f"frames and {min_travel} m of travel: lower past, min_future or min_travel, or give longer logs"
            )

    @property
    def episodes(self) -> int:
        """How many different episodes there are."""
        return sum(map(len, self._episodes))

    def reset(self, seeds: Sequence[int]) -> Scene:
        """See `World`."""
        if not len(seeds) or min(seeds) < 0:
            raise ValueError(f"seeds must be at least one number >= 0, got {list(seeds)[:5]}")
        chosen = [self._choose(int(seed)) for seed in seeds]
        self._names = [self.recordings[episode.recording].name for episode in chosen]
        human_time = np.array([episode.end - episode.start for episode in chosen])
        limit = 2 * human_time + 5
        ahead = math.ceil(limit.max() / self.dt) + 1
        frames = self.observed + ahead
        cast = [around(self.recordings[e.recording], e, self.dt, self.observed - 1, ahead, self.radius) for e in chosen]
        agents = max(len(others.kind) for others in cast)
        walls = [self.recordings[e.recording].walls for e in chosen]
        most_walls = max(0 if wall is None else len(wall) for wall in walls)
        batch = self._batch
        self._position = batch([others.position for others in cast], agents, frames, 2)
        self._present = batch([others.present for others in cast], agents, frames).bool()
        self._goals = batch([others.goal for others in cast], agents, 2)
        groups = [self._group_of(e.recording, others.agent) for e, others in zip(chosen, cast, strict=True)]
        self._group = batch(groups, agents, fill=-1).long()
        goal = torch.as_tensor(np.stack([episode.goal for episode in chosen]), device=self.device)
        self._goals[:, 0] = goal
        self.human_path = self._human(torch.as_tensor(human_time, device=self.device), goal)
        stride = self.human_path.diff(dim=1).norm(dim=-1)
        self.human_length = stride.sum(1)
        self.human_time = torch.as_tensor(human_time, device=self.device)
        self.limit = torch.as_tensor(limit, device=self.device)
        speed = (self.human_length / self.human_time).clamp(min=SLOWEST)
        self.greatest_speed = torch.maximum(speed, stride.amax(1) / self.dt)
        self._ego = self.human_path[:, 0]
        self._steps = 0
        self._track = Track(
            kind=batch([others.kind for others in cast], agents).long(),
            radius=batch([others.radius for others in cast], agents).float(),
            dt=self.dt,
            goal=goal.float(),
            speed=speed.float(),
            walls=None
            if not most_walls
            else batch([np.zeros((0, 4)) if w is None else w for w in walls], most_walls, 4, fill=FAR).float(),
        )
        for k in range(self.observed):
            self._track.push(self._position[:, :, k], self._present[:, :, k])
        return self.scene()

    def human_velocity(self) -> Tensor:
        """`[E,2]` m/s that takes the ego to where the replaced person was one frame from now."""
        ahead = min(self._steps + 1, self.human_path.shape[1] - 1)
        return (self.human_path[:, ahead] - self._ego) / self.dt

    def scenario_names(self) -> list[str]:
        """Names of the recordings, one per scene."""
        return list(self._names)

    def _taken(self, index: Tensor) -> "Replay":
        new = super()._taken(index)
        new._names = [self._names[scene] for scene in index.tolist()]
        return new

    def _choose(self, seed: int) -> Episode:
        own = self._episodes[seed % len(self._episodes)]
        return own[seed // len(self._episodes) % len(own)]

    def _group_of(self, recording: int, agent: np.ndarray) -> np.ndarray:
        """Group ids `[n]` of the agents `[n]`."""
        known, group = self._groups[recording]
        return group[np.searchsorted(known, agent)]

    def _human(self, time: Tensor, goal: Tensor) -> Tensor:
        """The replaced person's path `[E,T,2]` from the first action on, at its end once the record is over."""
        path = self._position[:, 0, self.observed - 1 :]
        clock = torch.arange(path.shape[1], device=self.device) * self.dt
        return torch.where((clock < time[:, None] - 1e-6)[..., None], path, goal[:, None])

    def _advance(self, action: Tensor) -> None:
        self._ego = self._ego + action * self.dt
        frame = self.observed + self._steps
        recorded = frame < self._position.shape[2]
        position = self._position[:, :, min(frame, self._position.shape[2] - 1)].clone()
        present = self._present[:, :, min(frame, self._position.shape[2] - 1)] & recorded
        position[:, 0] = self._ego
        present = torch.cat((torch.ones_like(present[:, :1]), present[:, 1:]), dim=1)
        self._track.push(position, present)

    def _truth(self) -> TensorDict:
        return TensorDict({"goal": self._goals.float(), "group": self._group}, batch_size=[len(self._goals)])
