"""Which recorded people an ego can replace, and what everybody does around them: the raw material of `Replay`."""

from dataclasses import dataclass

import numpy as np

from jepa_social.data.schema import DEFAULT_RADIUS, Recording
from jepa_social.scene import KINDS

PEDESTRIAN = KINDS.index("pedestrian")


@dataclass(frozen=True)
class Episode:
    """One recorded person who can be replaced.

    Attributes:
        recording: index of the recording.
        agent: id of the person.
        start, end: s: first action (a recorded frame), last frame.
        goal: `[2]` m, the last recorded position.
    """

    recording: int
    agent: int
    start: float
    end: float
    goal: np.ndarray


@dataclass(frozen=True)
class Others:
    """Everybody of one episode on the world's clock, the replaced person first.

    Attributes:
        position: `[n,T,2]` m. present: `[n,T]` bool. kind: `[n]`. radius: `[n]` m.
        goal: `[n,2]` m, last recorded position. agent: `[n]` ids.
    """

    position: np.ndarray
    present: np.ndarray
    kind: np.ndarray
    radius: np.ndarray
    goal: np.ndarray
    agent: np.ndarray


def episodes(recording: Recording, index: int, past: int, min_future: int, min_travel: float) -> list[Episode]:
    """Every uninterrupted pedestrian track that is long enough: one episode each, from its frame number `past` on.

    Args:
        recording: the log.
        index: its number, kept in the episodes.
        past: recorded frames of the person up to the start; 1 starts at the very first.
        min_future: recorded frames after the start.
        min_travel: m from start to goal.
    """
    order = np.lexsort((recording.time, recording.agent))
    agent, time = recording.agent[order], recording.time[order]
    place = np.stack((recording.x[order], recording.y[order]), axis=1)
    fresh = (np.diff(agent) != 0) | (np.diff(time) > 1.5 * recording.dt)
    first = np.concatenate(([0], np.flatnonzero(fresh) + 1))
    last = np.concatenate((first[1:] - 1, [len(agent) - 1]))
    found = []
    for a, b in zip(first, last, strict=True):
        start = a + past - 1
        if recording.kind[order[a]] != PEDESTRIAN or b - start < min_future:
            continue
        if np.hypot(*(place[b] - place[start])) >= min_travel:
            found.append(Episode(index, int(agent[a]), float(time[start]), float(time[b]), place[b]))
    return found


def around(recording: Recording, episode: Episode, dt: float, past: int, ahead: int, radius: float) -> Others:
    """What happens from `past` frames before the episode's start to `ahead` after it, linear between recorded frames.

    A person is present between two frames only if recorded in both. Pedestrians have `radius`; others what the
    recording says, else the default of their kind.
    """
    early = int(np.ceil(past * dt / recording.dt - 1e-6))
    origin = episode.start - early * recording.dt
    span = episode.start + ahead * dt + 1.5 * recording.dt
    inside = np.flatnonzero((recording.time > origin - 0.5 * recording.dt) & (recording.time < span))
    ids, slot = np.unique(recording.agent[inside], return_inverse=True)
    step = np.rint((recording.time[inside] - origin) / recording.dt).astype(int)
    place = np.full((len(ids), step.max() + 2, 2), np.nan)
    place[slot, step] = np.stack((recording.x[inside], recording.y[inside]), axis=1)

    clock = early + np.arange(-past, ahead + 1) * dt / recording.dt
    low = np.minimum(np.floor(clock + 1e-6).astype(int), place.shape[1] - 2)
    share = np.maximum(clock - low, 0.0)
    share = np.where(share < 1e-6, 0.0, share)[:, None]
    later = np.where(share > 0, place[:, low + 1], 0.0)
    position = np.where(share <= 1, place[:, low] * (1 - share) + later * share, np.nan)

    _, one = np.unique(slot, return_index=True)
    kind = recording.kind[inside][one]
    logged = np.full(len(ids), np.nan) if recording.radius is None else recording.radius[inside][one]
    size = np.where(np.isfinite(logged), logged, DEFAULT_RADIUS[kind])
    known, late = np.unique(recording.agent[::-1], return_index=True)
    final = len(recording) - 1 - late[np.searchsorted(known, ids)]
    goal = np.stack((recording.x[final], recording.y[final]), axis=1)
    order = np.argsort(ids != episode.agent, kind="stable")
    known_at = np.asarray(np.isfinite(position[..., 0]))
    order = order[known_at[order].any(axis=1)]
    present = known_at[order]
    return Others(
        np.where(present[..., None], position[order], 0.0),
        present,
        kind[order],
        np.where(kind == PEDESTRIAN, radius, size)[order],
        goal[order],
        ids[order],
    )
