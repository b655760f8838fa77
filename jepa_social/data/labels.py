"""Which training windows a readout may learn from when only a share of the recorded time is labelled.

Windows overlap, so a random share of them would show nearly all of the time. Recordings are cut into blocks of time
instead, some blocks are drawn, and only windows that lie wholly in drawn blocks count.
"""

import numpy as np

BLOCK = 2
"""Lengths of a window in a block, at least: long enough to hold some windows, short enough to meet many places."""


def labelled_windows(
    recording: np.ndarray, start: np.ndarray, length: int, dt: float, share: float, seed: int
) -> np.ndarray:
    """Indices `[L]` of the windows within a share of the time; those of a smaller share are among those of a larger.

    Time counts where windows lie. A recording shorter than two blocks is one block.

    Args:
        recording: `[M]` number of each window's recording.
        start: `[M]` s, time of its first sample.
        length: samples of a window.
        dt: s between samples.
        share: of the time, 0..1; met to within half a block.
        seed: of the draw.

    Raises:
        ValueError: a share outside (0, 1], or so small that no window fits.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of labels must be above 0 and at most 1, got {share}")
    edges, first = [0], np.empty(len(recording), np.int64)
    for number in np.unique(recording):  # lay the recordings end to end on one line of samples
        mine = recording == number
        sample = np.round((start[mine] - start[mine].min()) / dt).astype(np.int64)
        first[mine] = edges[-1] + sample
        span = sample.max() + length
        blocks = max(1, int(span) // (BLOCK * length))
        edges += (edges[-1] + np.round(np.arange(1, blocks + 1) * span / blocks).astype(np.int64)).tolist()
    covered = np.zeros(edges[-1] + 1, np.int64)
    np.add.at(covered, first, 1)
    np.add.at(covered, first + length, -1)
    samples = np.add.reduceat(covered[:-1].cumsum() > 0, edges[:-1], dtype=np.int64)
    turn = np.random.default_rng(seed).permutation(len(samples))
    filled = np.concatenate(([0], samples[turn].cumsum()))
    drawn = turn[: int(np.argmin(abs(filled - share * filled[-1])))]
    labelled = np.repeat(np.isin(np.arange(len(samples)), drawn), np.diff(edges))
    before = np.concatenate(([0], labelled.cumsum()))
    chosen = np.flatnonzero(before[first + length] - before[first] == length)
    if not len(chosen):
        raise ValueError(
            f"no training window fits into {share:g} of the time, drawn in {len(samples)} blocks of "
            f"{filled[-1] * dt:.0f} s in all: raise the share of labels, or lower data.module.stride"
        )
    return chosen
