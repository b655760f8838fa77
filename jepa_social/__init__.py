"""jepa_social: social world models, pretrained on logged interactions and planned with among people.

model = jepa_social.load(run_dir)                 # model.forecast(scene, horizon) -> [B,N,H,2] m
policy = jepa_social.load_policy(run_dir)         # policy.reset(); policy.act(scene) -> [B,2] m/s

`run_dir` is what `train.py` made, or "pretrained": the small model that ships with the package.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from jepa_social.runs import read_settings, run_folder
from jepa_social.scene import Scene

if TYPE_CHECKING:
    from jepa_social.mind.world_model import WorldModel
    from jepa_social.planning.mpc import MPC

__all__ = ["Scene", "load", "load_policy"]


def load(run_dir: str | Path) -> "WorldModel":
    """The trained world model of a run directory or of "pretrained" (see `WorldModel.load` for what may go wrong)."""
    from jepa_social.mind.world_model import WorldModel

    return WorldModel.load(run_folder(run_dir))


def load_policy(run_dir: str | Path) -> "MPC":
    """The planner of a run directory or of "pretrained", with the planner settings that the run was trained with.

    Raises:
        FileNotFoundError: `run_dir` is not a finished run.
        ValueError: it was written in another format version.
    """
    from jepa_social.planning.build import jepa_planner
    from jepa_social.planning.prior import Prior

    model, folder = load(run_dir), run_folder(run_dir)
    config = read_settings(folder).planner
    return jepa_planner(model, config, prior=Prior.load(folder) if config.prior else None)
