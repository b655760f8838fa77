"""`SceneDataModule`: any source of logs as batches of `Scene` for Lightning."""

import os
from collections.abc import Sequence
from copy import copy
from typing import Any

import lightning as L
import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console
from torch.utils.data import DataLoader, Subset

from jepa_social.data.cache import ensure
from jepa_social.data.dataset import SceneWindows
from jepa_social.data.labels import labelled_windows
from jepa_social.data.sampler import AgentBudgetSampler
from jepa_social.data.source import SPLITS, Source
from jepa_social.data.windows import Windowing

NOTHING = "no recording fell into train: lower data.source.val and data.source.test"
SLOW = 0.3
"""m/s that one in ten steps exceeds in any log of people who walk, a jam of them too."""

NEEDED: dict[TrainerFn | None, tuple[str, ...]] = {
    TrainerFn.FITTING: ("train", "val"),
    TrainerFn.VALIDATING: ("val",),
    TrainerFn.TESTING: ("test",),
}


class SceneDataModule(L.LightningDataModule):
    """Loaders of `Scene` with T = observed + future; a split without recordings gives no loader.

    Args:
        source: any reader (`EthUcy`, `TrajNet`, `Table`, `Logs`, or your own; see `Source`).
        cache_dir: where windows are kept; safe to delete.
        observed, future, dt, max_gap, truth: see `Windowing`.
        stride, min_agents: of training windows; eval_stride, eval_min_agents: of val and test windows.
        agents_per_batch, pairs_per_batch, seed: see `AgentBudgetSampler`.
        num_workers: loader processes; 0 is fastest until the model outruns the gather.

    Raises:
        ValueError: no training recordings, or what the reader, the checks and the windows raise.
    """

    def __init__(
        self,
        source: Source,
        cache_dir: str | os.PathLike,
        observed: int,
        future: int,
        dt: float,
        stride: int = 1,
        min_agents: int = 1,
        eval_stride: int = 1,
        eval_min_agents: int = 2,
        agents_per_batch: int = 512,
        pairs_per_batch: int = 16384,
        seed: int = 0,
        num_workers: int = 0,
        max_gap: float | None = None,
        truth: Sequence[str] = (),
    ):
        super().__init__()
        self.source, self.cache_dir, self.num_workers, self.seed = source, cache_dir, num_workers, seed
        self.agents_per_batch, self.pairs_per_batch = agents_per_batch, pairs_per_batch
        self.labels = 1.0
        evaluated = Windowing(observed, future, dt, eval_stride, eval_min_agents, max_gap, tuple(truth))
        trained = Windowing(observed, future, dt, stride, min_agents, max_gap, tuple(truth))
        self.windowing = {"train": trained, "val": evaluated, "test": evaluated}

    def with_source(self, source: Source) -> "SceneDataModule":
        """The same windows, cut from other logs."""
        other = copy(self)
        other.source = source
        return other

    def with_labels(self, share: float) -> "SceneDataModule":
        """The same data with training windows of a share of the time only (see `labelled_windows`; 1 is everything).

        They are repeated until an epoch is as long as with all of them, so that shares differ in labels, not in steps.
        """
        other = copy(self)
        other.labels = share
        return other

    def check(self) -> None:
        """Build what training needs before anything else is written, and say so where there is no val.

        Raises:
            ValueError: no training recordings, or what the reader, the checks and the windows raise.
        """
        if (train := self.windows("train")) is None:
            raise ValueError(NOTHING)
        if (pace := train.pace()) < SLOW:
            Console().print(
                f"nine in ten recorded steps are slower than {pace:.2g} m/s: if people walk there, data.source.rate "
                "(units of time per second) or data.source.scale (metres per unit) is wrong"
            )
        if self.windows("val") is None:
            Console().print("no recording fell into val (data.source.val): no validation and no figures in training")

    def prepare_data(self) -> None:
        """Build what the cache lacks for this run (Lightning calls this in one process per node)."""
        stage = self.trainer.state.fn if self.trainer is not None else None
        for split in NEEDED.get(stage, SPLITS):
            self.windows(split)

    def windows(self, split: str) -> SceneWindows | None:
        """The windows of one split, built if need be; None where the source has no recordings for it."""
        folder = ensure(self.source, split, self.windowing[split], self.cache_dir)
        return None if folder is None else SceneWindows(folder)

    def train_dataloader(self) -> DataLoader:
        """Batches in an order of their own in every epoch."""
        loaders = self._loader("train")
        if not isinstance(loaders, DataLoader):
            raise ValueError(NOTHING)
        return loaders

    def val_dataloader(self) -> DataLoader | list:
        """Every val window once, always in the same batches."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader | list:
        """Every test window once, always in the same batches."""
        return self._loader("test")

    def _loader(self, split: str) -> DataLoader | list:
        windows = self.windows(split)
        if windows is None:
            return []
        dataset, counts, moments = windows, windows.counts, windows.moments
        if split == "train" and self.labels != 1:
            maps, dt = windows.maps, windows.dt
            chosen = labelled_windows(maps["recording"], maps["start"], windows.length, dt, self.labels, self.seed)
            turn = np.arange(len(windows)) // len(chosen)  # a window that comes again is no branch of its moment
            chosen = np.resize(chosen, len(windows))
            key = turn * len(windows) + moments[chosen]
            _, first, member = np.unique(key, return_index=True, return_inverse=True)
            dataset, counts, moments = Subset(windows, chosen.tolist()), counts[chosen], first[member]
        sampler = AgentBudgetSampler(
            dataset,
            counts,
            self.agents_per_batch,
            self.pairs_per_batch,
            shuffle=split == "train",
            seed=self.seed,
            num_replicas=1 if self.trainer is None else self.trainer.world_size,
            rank=0 if self.trainer is None else self.trainer.global_rank,
            moments=moments,
        )
        # The sampler yields whole batches of indices, so the loader itself must not batch.
        return DataLoader(dataset, None, sampler=sampler, num_workers=self.num_workers, collate_fn=_as_is)


def _as_is(scene: Any) -> Any:
    return scene
