"""Windows of `observed + future` samples, cut from recordings without copying a row.

At the recorded rate these are the windows of the literature's ETH/UCY protocol (Gupta et al., CVPR 2018), which runs
over *listed* frames: no agent there bridges unlisted ones.
"""

from dataclasses import dataclass

import numpy as np

from jepa_social.data.resample import resample, ticks
from jepa_social.data.schema import DEFAULT_RADIUS, Recording


@dataclass(frozen=True)
class Windowing:
    """How recordings become windows.

    Attributes:
        observed, future: samples that the encoder sees, and that it must imagine.
        dt: s between samples; recordings of another rate are resampled.
        stride: samples from one window to the next.
        min_agents: agents that must be present in *all* samples for a window to be kept. Only this choice of windows
            looks at the future: within a window every agent ever seen is kept, with the samples in which it is present.
        max_gap: s; see `resample`.
        truth: extras (numeric) to hand on in `Scene.truth`.

    Raises:
        ValueError: a count below 1, or `dt` not positive.
    """

    observed: int
    future: int
    dt: float
    stride: int = 1
    min_agents: int = 1
    max_gap: float | None = None
    truth: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("observed", "stride", "min_agents"):
            if getattr(self, name) < 1:
                raise ValueError(f"data.{name} must be at least 1, got {getattr(self, name)}")
        if self.future < 0 or not self.dt > 0:
            raise ValueError(f"data.future={self.future} must not be negative and data.dt={self.dt} must be positive")

    @property
    def length(self) -> int:
        """T, samples in a window."""
        return self.observed + self.future


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one recording. A *track* is an agent's rows on the clock, without a break of a window's length.

    Axes: R rows (one per track and sample), K tracks, P pairs of a window and a track seen in it, M windows.

    Attributes:
        position: `[R,2]` m, NaN where the agent is missing inside its track.
        velocity: `[R,2]` m/s and heading: `[R]` rad where they were logged, NaN elsewhere; or None.
        truth: the extras asked for, `[R]` each.
        agent, kind, radius: `[K]`.
        first, end: `[K]` range of the track's rows.
        pair_track: `[P]`; pairs lie window by window, then by agent.
        pair_row: `[P]` row of the window's first sample, were the track to reach that far.
        count: `[M]` agents of each window.
        start: `[M]` s, time of its first sample.
    """

    position: np.ndarray
    velocity: np.ndarray | None
    heading: np.ndarray | None
    truth: dict[str, np.ndarray]
    agent: np.ndarray
    kind: np.ndarray
    radius: np.ndarray
    first: np.ndarray
    end: np.ndarray
    pair_track: np.ndarray
    pair_row: np.ndarray
    count: np.ndarray
    start: np.ndarray


def cut(recording: Recording, windowing: Windowing) -> Windows | None:
    """Cut one recording; None where no window has `min_agents` agents in all its samples.

    Raises:
        ValueError: `windowing.truth` names a column that the recording lacks.
    """
    if lacking := [name for name in windowing.truth if name not in recording.extras]:
        raise ValueError(f"{recording.name}: no column {lacking} for data.truth; it has {sorted(recording.extras)}")
    rows = resample(recording, windowing.dt, windowing.max_gap)
    length, stride = windowing.length, windowing.stride
    if not len(rows):
        return None
    tick = ticks(rows)
    order = np.lexsort((tick, rows.agent))
    agent, tick = rows.agent[order], tick[order]
    begins = np.flatnonzero(np.concatenate(([True], (agent[1:] != agent[:-1]) | (np.diff(tick) >= length))))
    ends = np.append(begins[1:], len(tick))
    low, high = tick[begins], tick[ends - 1]
    end = np.cumsum(high - low + 1)
    first = end - (high - low + 1)
    slot = np.repeat(first - low, ends - begins) + tick

    total = tick.max() - length + 1
    if total < 0:
        return None
    earliest = np.maximum(-((length - 1 - low) // stride), 0)
    reach = np.maximum(np.minimum(high, total) // stride - earliest + 1, 0)
    track = np.repeat(np.arange(len(first)), reach)
    window = np.arange(reach.sum()) - np.repeat(np.cumsum(reach) - reach, reach) + earliest[track]
    row = (first - low)[track] + window * stride

    seen = np.zeros(end[-1] + 1, np.int64)
    seen[slot + 1] = 1
    seen = np.cumsum(seen)
    inside = (row >= first[track]) & (row + length <= end[track])
    whole = inside & (seen[np.where(inside, row + length, 0)] - seen[np.where(inside, row, 0)] == length)
    kept = np.bincount(window[whole], minlength=total // stride + 1) >= windowing.min_agents
    if not kept.any():
        return None
    mine = np.flatnonzero(kept[window])
    mine = mine[np.argsort(window[mine], kind="stable")]
    chosen = np.flatnonzero(kept)

    def spread(*columns: np.ndarray) -> np.ndarray:
        grid = np.full((end[-1], len(columns)), np.nan, np.float32)
        for axis, column in enumerate(columns):
            grid[slot, axis] = column[order]
        return grid

    return Windows(
        position=spread(rows.x, rows.y),
        velocity=None if rows.vx is None or rows.vy is None else spread(rows.vx, rows.vy),
        heading=None if rows.heading is None else spread(rows.heading)[:, 0],
        truth={name: spread(rows.extras[name])[:, 0] for name in windowing.truth},
        agent=agent[begins],
        kind=rows.kind[order][begins],
        radius=_radius(rows)[order][begins].astype(np.float32),
        first=first,
        end=end,
        pair_track=track[mine],
        pair_row=row[mine],
        count=np.bincount(window[mine], minlength=len(kept))[chosen],
        start=rows.time[0] + chosen * stride * rows.dt,
    )


def _radius(rows: Recording) -> np.ndarray:
    usual = DEFAULT_RADIUS[rows.kind]
    return usual if rows.radius is None else np.where(np.isnan(rows.radius), usual, rows.radius)
