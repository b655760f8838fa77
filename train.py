"""Pretrain a social world model and fit its readout: `python train.py experiment=crowd`."""

import hydra
from omegaconf import DictConfig

from jepa_social.stages.training import train


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def main(config: DictConfig) -> None:
    """Train what `configs/` says; run again to resume."""
    train(config)


if __name__ == "__main__":
    main()
