"""Where a run lies: a folder that `train.py` made, or `pretrained`, the one that ships with the package."""

from importlib.resources import files
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

PRETRAINED = "pretrained"
"""The name that stands for the bundled run wherever a run directory is asked for."""

WEIGHTS, CONFIG, SETTINGS = "model.safetensors", "config.json", "config.yaml"
"""What a finished run holds: the weights, the sizes that rebuild the model, and every setting it was made with."""


def require_run(config: DictConfig) -> None:
    """End the program, naming the runs that there are, where `run=` was not said."""
    if OmegaConf.is_missing(config, "run"):
        known = [PRETRAINED, *sorted(str(path.parent) for path in Path("runs").glob(f"**/{CONFIG}"))]
        raise SystemExit(f"run=… says which model, and is missing: one that train.py made, such as {', '.join(known)}")


def run_folder(run: str | Path) -> Path:
    """The folder to read `run` from. A folder of your own that is called so is `./pretrained`, or a `Path`.

    Raises:
        FileNotFoundError: `run` is `pretrained` and this installation came without it.
    """
    if run != PRETRAINED:
        return Path(run)
    folder = Path(str(files("jepa_social"))) / PRETRAINED
    missing = [name for name in (WEIGHTS, CONFIG, SETTINGS) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"the bundled run {folder} lacks {', '.join(missing)}: install jepa_social again, "
            "or make one from a run of your own with `make pretrained`"
        )
    return folder


def results_folder(run: str | Path) -> Path:
    """The folder to write results of `run` into: the run's own, `runs/pretrained` for the bundled one."""
    return Path("runs") / PRETRAINED if run == PRETRAINED else Path(run)
