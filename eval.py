"""Evaluate a run: `python eval.py run=runs/crowd suite=crowd`."""

import hydra
from omegaconf import DictConfig

from jepa_social.runs import require_run
from jepa_social.stages.suites import evaluate


@hydra.main(version_base="1.3", config_path="configs", config_name="eval")
def main(config: DictConfig) -> None:
    """Run one suite, print its table, write the report."""
    require_run(config)
    report = evaluate(config)
    print(f"report: {report}")


if __name__ == "__main__":
    main()
