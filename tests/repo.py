"""Where the files of the repository are, and configs as the entry points compose them."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jepa_social"
CONFIGS = ROOT / "configs"
CONFIG_FILES = sorted(CONFIGS.rglob("*.yaml"))
ENTRIES = [ROOT / "train.py", ROOT / "eval.py"]
SOURCES = sorted(PACKAGE.rglob("*.py"))


def composed(entry: str, overrides: list[str], resolve: bool = True) -> dict:
    """`configs/<entry>.yaml` with `overrides`, as on the command line."""
    path = CONFIGS / entry
    with initialize_config_dir(str(path.parent), version_base="1.3"):
        composed = compose(path.name, overrides=overrides)
    config = OmegaConf.to_container(composed, resolve=resolve, throw_on_missing=False)
    assert isinstance(config, dict)
    return config
