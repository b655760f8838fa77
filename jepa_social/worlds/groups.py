"""Who walks together: groups in recorded crowds, from positions alone."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from jepa_social.data.schema import Recording
from jepa_social.kinematics import MIN_SPEED

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
    order = np.argsort(step, kind="stable")  # never people times frames: a day of a square has 10,000 of them
    slot, step, place = slot[order], step[order], np.stack((recording.x, recording.y), axis=1)[order]
    pairs = []
    for i, mine in enumerate(np.split(np.argsort(slot, kind="stable"), np.cumsum(np.bincount(slot))[:-1])):
        first, last = step[mine[0]], step[mine[-1]]
        path = np.full((last - first + 1, 2), np.nan)
        path[step[mine] - first] = place[mine]
        rows = np.arange(np.searchsorted(step, first), np.searchsorted(step, last, side="right"))
        rows = rows[slot[rows] > i]
        beside = path[step[rows] - first]
        gap = np.hypot(*(place[rows] - beside).T)
        common = np.bincount(slot[rows[np.isfinite(gap)]], minlength=len(ids))
        near = np.bincount(slot[rows[gap < TOGETHER]], minlength=len(ids))
        for j in np.flatnonzero((common > 0) & (near >= STEADY * common)):
            both = np.flatnonzero((slot[rows] == j) & np.isfinite(gap))[[0, -1]]
            if _alike(beside[both], place[rows[both]], np.ptp(step[rows[both]]) * recording.dt):
                pairs.append((i, int(j)))
    i, j = np.array(pairs, dtype=int).reshape(-1, 2).T
    linked = coo_matrix((np.ones(len(i)), (i, j)), shape=(len(ids), len(ids)))
    _, group = connected_components(linked, directed=False)
    alone = np.bincount(group)[group] == 1
    return ids, np.where(alone, -1, group)


def _alike(one: np.ndarray, other: np.ndarray, span: float) -> bool:
    """Whether two people who were in the places `[2,2]`, `span` s apart, went one way at one pace."""
    if span < COMMON - 1e-6:
        return False
    u, v = ((ends[1] - ends[0]) / span for ends in (one, other))
    return bool(min(np.hypot(*u), np.hypot(*v)) > MIN_SPEED and np.hypot(*(u - v)) <= PACE)
