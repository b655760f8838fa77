"""Who walks together: groups in recorded crowds, from positions alone."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from jepa_social.data.schema import Recording
from jepa_social.scene import MIN_SPEED

TOGETHER = 2.13
"""m (7 feet) within which members of a group are of one another."""
PACE = 0.3
"""m/s by which their mean velocities differ at most."""
STEADY = 0.9
"""Share of their common frames in which they are that close."""
COMMON = 2.0
"""s that both must have been recorded."""


def recorded_groups(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Ids of all agents, sorted, and the group `[n]` of each; -1 for who walks alone.

    The criterion of McPhail & Wohlstein (1982), as used by Ge, Collins & Ruback (PAMI 2012): two people are near one
    another, at one pace and in one direction. Their tolerances are made for hand-measured paths; here the distance must
    hold in `STEADY` of the common frames and mean velocities differ by at most `PACE`. People who both stand are no
    such pair. Groups are what pairs connect. The whole recording is looked at, its future too: groups are for scores,
    not for policies.

    Args:
        recording: rows with regular steps of `recording.dt`.
    """
    ids, slot = np.unique(recording.agent, return_inverse=True)
    step = np.rint((recording.time - recording.time.min()) / recording.dt).astype(int)
    place = np.full((len(ids), step.max() + 1, 2), np.nan)
    place[slot, step] = np.stack((recording.x, recording.y), axis=1)
    pairs = []
    for i in range(len(ids)):
        mine = np.isfinite(place[i, :, 0])
        gap = np.hypot(*(place[i + 1 :, mine] - place[i, mine]).transpose(2, 0, 1))
        steady = (gap < TOGETHER).sum(1) >= STEADY * np.isfinite(gap).sum(1).clip(min=1)
        found = i + 1 + np.flatnonzero(steady)
        pairs += [(i, int(j)) for j in found if _alike(place[i], place[j], recording.dt)]
    i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
    linked = coo_matrix((np.ones(len(i)), (i, j)), shape=(len(ids), len(ids)))
    _, group = connected_components(linked, directed=False)
    alone = np.bincount(group)[group] == 1
    return ids, np.where(alone, -1, group)


def _alike(path: np.ndarray, other: np.ndarray, dt: float) -> bool:
    """Whether two paths `[T,2]` (NaN: not recorded) go one way at one pace while both are recorded."""
    common = np.flatnonzero(np.isfinite(path[:, 0]) & np.isfinite(other[:, 0]))
    span = (common[-1] - common[0]) * dt
    if span < COMMON - 1e-6:
        return False
    u, v = ((one[common[-1]] - one[common[0]]) / span for one in (path, other))
    return bool(min(np.hypot(*u), np.hypot(*v)) > MIN_SPEED and np.hypot(*(u - v)) <= PACE)
