"""Train a policy by reinforcement: `python -m jepa_social.rl run=runs/ppo`; run again to go on."""

import hydra
from omegaconf import DictConfig
from rich.console import Console

from jepa_social.bench.cells import ROOT
from jepa_social.rl.train import learn


@hydra.main(version_base="1.3", config_path=str(ROOT / "configs"), config_name="rl")
def main(config: DictConfig) -> None:
    """Train what `configs/rl.yaml` says."""
    path = learn(config)
    row = f"+baseline@suite.baselines.ppo=ppo suite.baselines.ppo.path={path}"
    Console().print(f"{path}\npython eval.py run=pretrained suite=circle {row}", soft_wrap=True)


if __name__ == "__main__":
    main()
