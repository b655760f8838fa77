"""Every agent's track on one clock: linear interpolation inside a track, never across a gap, never beyond its ends.

If `dt` is no multiple of the recorded step, a value lies between two samples and so knows of the later one: it looks
ahead by less than one recorded step.
"""

from dataclasses import replace

import numpy as np

from jepa_social.data.schema import Recording

SNAP = 1e-5
"""Share of a step within which a sample lies on the clock, so that equal rates come out bit by bit."""

SLACK = 1e-3
"""Share of a step by which the clock may miss a track's first or last sample and still take it."""


def resample(recording: Recording, dt: float, max_gap: float | None = None) -> Recording:
    """The recording with samples at `t0 + k dt` only.

    Where nobody is seen for longer than `max_gap`, the clock starts anew: what follows is shifted by at most `dt / 2`.

    Args:
        recording: rows sorted by (time, agent).
        dt: s between the new samples.
        max_gap: s without a sample beyond which a track is broken; default 1.5 times the slower of both steps, so that
            with equal rates no missing sample is made up.

    Returns:
        A recording of step `dt`. Positions, velocities and radii are interpolated linearly, headings along the shorter
        arc, kinds and extras taken from the sample before (floating-point extras are interpolated).

    Raises:
        ValueError: `dt` is not positive.
    """
    if not dt > 0:
        raise ValueError(f"data.dt must be positive, got {dt}")
    gap = 1.5 * max(recording.dt, dt) if max_gap is None else max_gap
    if not len(recording):
        return replace(recording, dt=dt)
    time = _clock(recording.time, dt, gap)
    order = np.lexsort((time, recording.agent))
    agent, time = recording.agent[order], time[order]
    start = np.concatenate(([True], (agent[1:] != agent[:-1]) | (np.diff(time) > gap * (1 + SNAP))))
    first = np.flatnonzero(start)
    last = np.append(first[1:], len(time)) - 1
    phase = (time - recording.time[0]) / dt
    low = np.ceil(phase[first] - SLACK).astype(np.int64)
    count = np.maximum(np.floor(phase[last] + SLACK).astype(np.int64) - low + 1, 0)
    track = np.repeat(np.arange(len(first)), count)
    tick = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + low[track]
    left, share = _place(phase, start, first, last, track, tick)
    columns = {}
    for name, column in recording.columns().items():
        if name == "time":
            columns[name] = recording.time[0] + tick * dt
            exact = share == 0
            columns[name][exact] = time[left[exact]]
        else:
            columns[name] = _blend(column[order], left, np.minimum(left + 1, last[track]), share, name == "heading")
    extras = {name: columns.pop(name) for name in recording.extras}
    return replace(recording, dt=dt, extras=extras, **columns).ordered()


def ticks(recording: Recording) -> np.ndarray:
    """Number `[R]` of each row's sample, from 0 at the recording's first; `recording` must be resampled."""
    return np.round((recording.time - recording.time[0]) / recording.dt).astype(np.int64)


def _clock(time: np.ndarray, dt: float, gap: float) -> np.ndarray:
    """Shift what follows a silence so that it starts on the clock."""
    listed = np.unique(time)
    begins = np.flatnonzero(np.diff(listed) > gap) + 1
    if not len(begins):
        return time
    phase = (listed[begins] - listed[0]) / dt
    off = np.round(phase) - phase
    shift = np.concatenate(([0.0], np.where(abs(off) > SNAP, off * dt, 0.0)))
    return time + shift[np.searchsorted(listed[begins], time, side="right")]


def _place(
    phase: np.ndarray, start: np.ndarray, first: np.ndarray, last: np.ndarray, track: np.ndarray, tick: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Row at or before each tick, and the share of the way to the next one."""
    origin = phase[first]
    span = float((phase[last] - origin).max()) + 2.0
    rows = (np.cumsum(start) - 1) * span + phase - np.repeat(origin, last - first + 1)
    left = np.searchsorted(rows, track * span + tick - origin[track] + SNAP, side="right") - 1
    left = np.clip(left, first[track], last[track])
    width = phase[np.minimum(left + 1, last[track])] - phase[left]
    share = np.clip((tick - phase[left]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    share = np.where((width > 0) & (abs(tick - phase[left]) > SNAP), share, 0.0)
    return left, share


def _blend(column: np.ndarray, left: np.ndarray, right: np.ndarray, share: np.ndarray, angle: bool) -> np.ndarray:
    value = column[left]
    if not np.issubdtype(column.dtype, np.floating) or not share.any():
        return value
    step = column[right] - value
    if angle:
        step = (step + np.pi) % (2 * np.pi) - np.pi
    blended = value + share * step
    if angle:
        blended = (blended + np.pi) % (2 * np.pi) - np.pi
    return np.where(share > 0, blended, value)
