"""Batches of windows under a budget of agents, so that a crowd of 60 and a pair of strangers cost alike."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset, DistributedSampler


class AgentBudgetSampler(DistributedSampler):
    """Yields lists of window indices; windows of about equal agent count share a batch, so little is padded.

    With `shuffle`, windows of equal count change places and batches change order in every epoch, by (seed, epoch) only:
    a run resumed at an epoch sees what the unbroken run would have seen. Branches of one moment stay together.
    Processes of a distributed run take every `num_replicas`-th batch of the same list; the first batches are repeated
    where it does not divide evenly.

    Args:
        dataset: what is sampled; only its length matters.
        counts: `[M]` agents of every window.
        agents_per_batch: greatest B·N with padding.
        pairs_per_batch: greatest B·N² with padding: bounds what attention among agents costs.
        shuffle: else batches come in order of agent count.
        seed: of the order.
        num_replicas, rank: of the distributed run.
        moments: `[M]` for each window the first window of its moment (see `SceneWindows.moments`); None: none.

    Raises:
        ValueError: a budget below 1. (A window that exceeds the budget by itself is a batch of its own.)
    """

    def __init__(
        self,
        dataset: Dataset,
        counts: np.ndarray,
        agents_per_batch: int,
        pairs_per_batch: int,
        shuffle: bool,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        moments: np.ndarray | None = None,
    ):
        if agents_per_batch < 1 or pairs_per_batch < 1:
            raise ValueError(
                f"data.agents_per_batch={agents_per_batch} and data.pairs_per_batch={pairs_per_batch} must be >= 1"
            )
        super().__init__(dataset, num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)
        self.counts = np.asarray(counts)
        self.moments = np.arange(len(self.counts)) if moments is None else moments
        self.bounds = _pack(np.sort(self.counts), agents_per_batch, pairs_per_batch)

    def __len__(self) -> int:
        """Batches of this process in one epoch; the same in every epoch."""
        return -(-(len(self.bounds) - 1) // self.num_replicas)

    def __iter__(self) -> Iterator[list[int]]:
        batches = len(self.bounds) - 1
        if self.shuffle:
            chance = np.random.default_rng((self.seed, self.epoch))
            order = np.lexsort((chance.random(len(self.counts))[self.moments], self.counts))
            turn = chance.permutation(batches)
        else:
            order, turn = np.argsort(self.counts, kind="stable"), np.arange(batches)
        for place in range(self.rank, len(self) * self.num_replicas, self.num_replicas):
            batch = turn[place % batches]
            yield order[self.bounds[batch] : self.bounds[batch + 1]].tolist()


def _pack(counts: np.ndarray, agents: int, pairs: int) -> np.ndarray:
    """Bounds of greedy batches over ascending `counts`; they depend on the counts only, so every epoch has as many."""
    bounds, begin = [0], 0
    for place, count in enumerate(counts.tolist()):
        size = place - begin + 1
        if size > 1 and (size * count > agents or size * count * count > pairs):
            bounds.append(place)
            begin = place
    return np.array([*bounds, len(counts)])
