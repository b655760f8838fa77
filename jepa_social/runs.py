"""Where a run lies and what it was made with: a folder of `train.py`, or `pretrained`, which ships."""

from importlib.resources import files
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from jepa_social.files import with_draft

PRETRAINED = "pretrained"
"""The name that stands for the bundled run wherever a run directory is asked for."""

WEIGHTS, CONFIG, SETTINGS = "model.safetensors", "config.json", "config.yaml"
"""What a finished run holds: the weights, the sizes that rebuild the model, and every setting it was made with."""

FORMAT, OLDEST = 1, 1
"""Of `config.yaml`: to be raised when a key or a class that it names is renamed, removed or means something else.
Files from before it was written carry no number and count as the oldest."""


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
            "or make it anew with `make pretrained`"
        )
    return folder


def results_folder(run: str | Path) -> Path:
    """The folder to write results of `run` into: the run's own, `runs/pretrained` for the bundled one."""
    return Path("runs") / PRETRAINED if run == PRETRAINED else Path(run)


def read_settings(folder: str | Path) -> DictConfig:
    """What a run, or a stage of one, was made with.

    Raises:
        FileNotFoundError: `folder` holds no settings.
        ValueError: they were written in another format version.
    """
    path = Path(folder) / SETTINGS
    settings = OmegaConf.load(path)
    assert isinstance(settings, DictConfig)
    found = settings.pop("format", OLDEST)
    if found != FORMAT:
        raise ValueError(
            f"{path} has format {found}, this version reads {FORMAT}: train again, or use the release that wrote it"
        )
    return settings


def has_settings(folder: str | Path, settings: DictConfig) -> bool:
    """Whether `folder` was made with just these settings; raises what `read_settings` does."""
    return OmegaConf.to_yaml(read_settings(folder)) == OmegaConf.to_yaml(settings)


def write_settings(folder: str | Path, settings: DictConfig) -> None:
    """Write what `read_settings` reads."""
    text = OmegaConf.to_yaml(OmegaConf.create({"format": FORMAT})) + OmegaConf.to_yaml(settings)
    with_draft(Path(folder) / SETTINGS, lambda draft: draft.write_text(text))
