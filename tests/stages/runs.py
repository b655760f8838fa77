"""The real configs, composed as the entry points do, and shrunk until a run takes seconds."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

TINY = [
    "model.width=16", "model.depth=1", "model.heads=2", "model.predictor_width=16", "model.reaction=8",
    "pretrain.epochs=2", "readout.epochs=1", "trainer.accelerator=cpu", "trainer.devices=1",
]  # fmt: skip
CROWD = [
    "experiment=crowd", "data.source.episodes=12", "data.source.people=[2,3]",
    "data.source.val=0.2", "data.source.test=0.3", "data.module.stride=12", "data.module.eval_stride=12",
    "data.module.agents_per_batch=64",
]  # fmt: skip


def composed(name: str, *overrides: str) -> DictConfig:
    """`configs/<name>.yaml` with `overrides`, as on the command line."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(name, list(overrides))


def crowd(root: Path, run: Path, *overrides: str) -> DictConfig:
    """A training run on a few simulated episodes kept in `root`."""
    return composed("train", *CROWD, *TINY, f"data.root={root}", f"run={run}", *overrides)
