"""Planning evaluation as a Lightning module: `trainer.test` walks every policy through every held-out scenario."""

from collections.abc import Sequence

import lightning as L
from lightning.pytorch.callbacks import RichProgressBar
from torch import nn
from torch.utils.data import DataLoader

from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.navigation_metrics import NavigationMetrics
from jepa_social.evaluation.runner import run_episodes
from jepa_social.planning.policy import Policy
from jepa_social.worlds.world import World


class ClosedLoop(L.LightningModule):
    """Collects the episodes of each policy in `episodes`.

    Args:
        world: batched; reset for every batch of seeds.
        policies: compared on the same seeds, one test dataloader each.
    """

    def __init__(self, world: World, policies: Sequence[Policy]):
        super().__init__()
        self.world, self.policies = world, list(policies)
        self.metrics = nn.ModuleList(NavigationMetrics() for _ in self.policies)
        self.parts: list[list[Episodes]] = [[] for _ in self.policies]

    @property
    def episodes(self) -> list[Episodes]:
        """All episodes so far, one `Episodes` a policy."""
        return [Episodes.concatenate(parts) for parts in self.parts]

    def test_step(self, seeds: list[int], batch_idx: int, dataloader_idx: int = 0) -> None:
        """One batch of scenarios with one policy."""
        done = run_episodes(self.world, self.policies[dataloader_idx], seeds, batch=len(seeds))
        self.parts[dataloader_idx].append(done)
        metrics = self.metrics[dataloader_idx]
        assert isinstance(metrics, NavigationMetrics)
        metrics.update(done)
        self.log("test/success", metrics.compute()["success"].float(), batch_size=len(seeds), prog_bar=True)


def walk(world: World, policies: Sequence[Policy], seeds: Sequence[int], batch: int) -> list[Episodes]:
    """Run every policy on every seed, `batch` scenes side by side, with a progress bar."""
    module = ClosedLoop(world, policies)
    loaders = [DataLoader(list(seeds), batch_size=batch, collate_fn=list) for _ in policies]  # pyright: ignore[reportArgumentType]
    trainer = L.Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[RichProgressBar()],
    )
    trainer.test(module, dataloaders=loaders, verbose=False)
    return module.episodes
