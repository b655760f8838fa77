from itertools import chain

import lightning as L
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.logs import Logs
from jepa_social.data.module import SceneDataModule
from jepa_social.data.sampler import AgentBudgetSampler
from jepa_social.data.schema import write_log
from tests.data.logs import walk, write_folds

COUNTS = np.random.default_rng(0).integers(1, 40, 300)


def sampler(counts=COUNTS, shuffle=True, agents=64, pairs=1500, **more) -> AgentBudgetSampler:
    return AgentBudgetSampler(range(len(counts)), counts, agents, pairs, shuffle, **more)  # pyright: ignore


def module(root, where, **more) -> SceneDataModule:
    return SceneDataModule(EthUcy(str(root), "hotel"), where, observed=4, future=4, dt=0.4, **more)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_window_once_and_within_the_budget(shuffle):
    for epoch in range(3):
        order = sampler(shuffle=shuffle)
        order.set_epoch(epoch)
        batches = list(order)
        assert sorted(chain.from_iterable(batches)) == list(range(300))
        assert len(batches) == len(order)
        for batch in batches:
            most = COUNTS[batch].max()
            assert len(batch) == 1 or (len(batch) * most <= 64 and len(batch) * most**2 <= 1500)


def test_little_is_padded():
    real = COUNTS.sum()
    padded = sum(len(batch) * COUNTS[batch].max() for batch in sampler())
    assert real / padded > 0.9


def test_order_depends_on_seed_and_epoch_only():
    def order(seed: int, epoch: int) -> list[list[int]]:
        made = sampler(seed=seed)
        made.set_epoch(epoch)
        return list(made)

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)
    assert {frozenset(batch) for batch in order(1, 3)} != {frozenset(batch) for batch in order(1, 4)}


def test_ranks_share_the_batches_out():
    alone = list(sampler())
    parts = [list(sampler(num_replicas=4, rank=rank)) for rank in range(4)]
    assert len({len(part) for part in parts}) == 1
    dealt = [part[k] for k in range(len(parts[0])) for part in parts]
    assert dealt[: len(alone)] == alone
    assert dealt[len(alone) :] == alone[: len(dealt) - len(alone)]


def test_budgets_must_be_positive():
    with pytest.raises(ValueError, match="must be >= 1"):
        sampler(agents=0)


def test_loaders_yield_scenes(tmp_path):
    data = module(write_folds(tmp_path / "logs"), tmp_path / "cache", agents_per_batch=20)
    data.prepare_data()
    loader = data.train_dataloader()
    assert isinstance(loader.sampler, AgentBudgetSampler)
    scenes = list(loader)
    windows = data.windows("train")
    assert windows is not None
    assert sum(len(scene) for scene in scenes) == len(windows)
    assert all(scene.frames == 8 and scene.batch_size[0] * scene.agents <= 20 for scene in scenes)
    for one, two in zip(data.val_dataloader(), data.val_dataloader(), strict=True):
        assert (one.position == two.position).all()
    assert all(scene.present.all(-1).sum(-1).min() >= 2 for scene in data.test_dataloader())


def test_workers_change_nothing(tmp_path):
    root = write_folds(tmp_path / "logs")
    alone = list(module(root, tmp_path / "cache").train_dataloader())
    helped = list(module(root, tmp_path / "cache", num_workers=1).train_dataloader())
    for one, two in zip(alone, helped, strict=True):
        assert (one.position == two.position).all()


class Watch(L.LightningModule):
    """Notes what it is fed."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.fed: dict[int, list[float]] = {}

    def training_step(self, scene, _):
        self.fed.setdefault(self.current_epoch, []).append(float(scene.position.sum()))
        return self.weight * scene.position.mean()

    def validation_step(self, scene, _):
        assert scene.frames == 8

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(data: SceneDataModule, epochs: int, path, resume=None) -> dict[int, list[float]]:
    watch = Watch()
    trainer = L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(watch, data, ckpt_path=resume, weights_only=False)
    trainer.save_checkpoint(path)
    return watch.fed


def test_a_resumed_run_sees_what_the_unbroken_one_sees(tmp_path):
    root = write_folds(tmp_path / "logs")

    def data() -> SceneDataModule:
        return module(root, tmp_path / "cache", agents_per_batch=20)

    whole = fit(data(), 3, tmp_path / "whole.ckpt")
    assert whole[0] != whole[1]
    fit(data(), 1, tmp_path / "one.ckpt")
    rest = fit(data(), 3, tmp_path / "rest.ckpt", resume=tmp_path / "one.ckpt")
    assert rest == {epoch: whole[epoch] for epoch in (1, 2)}


def test_a_split_without_recordings_gives_no_loader(tmp_path):
    write_log(tmp_path / "log.parquet", [walk("only")], source="test")
    data = SceneDataModule(Logs(str(tmp_path / "log.parquet"), val=0, test=0), tmp_path / "cache", 4, 4, 0.4)
    data.prepare_data()
    assert isinstance(data.train_dataloader(), DataLoader)
    assert data.val_dataloader() == data.test_dataloader() == []
    data = SceneDataModule(Logs(str(tmp_path / "log.parquet"), val=0, test=["only"]), tmp_path / "cache", 4, 4, 0.4)
    with pytest.raises(ValueError, match="no recording fell into train"):
        data.train_dataloader()
