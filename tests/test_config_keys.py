"""Laws of the house: configs that say nothing in vain, and compose."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import lightning
import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf
from stable_baselines3 import PPO

from jepa_social.models.jepa import ModelConfig
from jepa_social.models.pixels import Pixels
from jepa_social.planning.mpc import MPC
from tests.config_reads import Reads
from tests.repo import CONFIG_FILES, CONFIGS, ENTRIES, SOURCES, composed

SPLATTED = {
    "model": ModelConfig,
    "tokenizer": Pixels,
    "model.tokenizer": Pixels,
    "planner.mpc": MPC,
    "trainer": lightning.Trainer,
    "ppo": PPO,
}
"""Nodes that are passed on whole, `Callable(**node)`, and to whom."""
FREE_NAMES = {"suite.baselines", "suite.columns", "ablation.rows", "search"}
"""Nodes whose keys are names that nobody has to know."""
READ = Reads(path for path in [*SOURCES, *ENTRIES] if "omegaconf" in path.read_text()).found | {
    tuple(reference.split("."))
    for path in CONFIG_FILES
    for reference in re.findall(r"\$\{([\w.]+)\}", path.read_text())
}
"""Keys that some code or another key reads."""


def unread(node: object, where: str, free: str = "") -> Iterator[str]:
    """Keys below `node`, which lies at `where`, that no code reads; `free`: the part of `where` that is a free name."""
    if isinstance(node, list):
        for item in node:
            yield from unread(item, where, free)
    if not isinstance(node, dict):
        return
    callee = get_object(node["_target_"]) if "_target_" in node else SPLATTED.get(where)
    accepted = set(inspect.signature(callee).parameters) if callee else set()
    for key, value in node.items():
        place = f"{where}.{key}".removeprefix(".")
        if str(key).startswith("_"):
            continue
        if callee:
            if key not in accepted:
                yield f"{place}: {callee.__name__} takes no such argument"
            yield from arguments(value, place)
        else:
            named = where in FREE_NAMES or where.startswith("search.")  # a setting of whatever baseline is searched
            if not named and tuple(place.replace(free, "", 1).split(".")) not in READ:
                yield f"{place}: nobody reads it"
            yield from unread(value, place, f".{key}" if named else free)


def arguments(value: object, where: str) -> Iterator[str]:
    """Plain mappings among the arguments are the callable's own business; objects in them are not."""
    if isinstance(value, dict) and "_target_" not in value:
        for key, item in value.items():
            yield from arguments(item, f"{where}.{key}")
    else:
        yield from unread(value, where)


@pytest.mark.parametrize("path", CONFIG_FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_every_config_key_is_read(path: Path):
    group = path.relative_to(CONFIGS).parent
    package = re.match(r"# @package (\S+)", path.read_text())
    where = package.group(1) if package else ".".join(part for part in group.parts if part != "bench")
    if group in (Path("experiment"), Path("recipe")):  # they change keys of nodes whose `_target_` is said elsewhere
        node = composed("train", [f"{group}={path.stem}"], resolve=False)
    elif group == Path("suite"):  # suites build on one another
        node = composed("eval", [f"suite={path.stem}"], resolve=False)["suite"]
    elif group == Path("cost"):  # and so do costs
        node = composed("train", [f"cost@planner.cost={path.stem}"], resolve=False)["planner"]["cost"]
    else:
        node = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(node, dict)
    for own in ("defaults", "hydra"):
        node.pop(own, None)
    assert not list(unread(node, "" if where == "_global_" else where))


def test_the_key_check_sees_what_it_should():
    words = ["name", "path", "seed", "dt", "model", "width", "steps", "batch", "data", "rate"]  # read, but elsewhere
    wrong = {
        "seed": 0,
        "sedd": 0,
        "data": {"module": {"_target_": "jepa_social.data.module.SceneDataModule", "strid": 1}},
        "planner": {"mpc": {"horizons": 3}},
        "suite": {"baselines": {"any name": {"_target_": "jepa_social.planning.reactive.Orca", "margins": 0.1}}},
        "pretrain": {"epochs": 5, **dict.fromkeys(words, 1)},
        "readout": {"labels": 1.0, "watch_every": 25},
        "ablation": {"rows": {"any row": {"overrides": [], "suite": []}}},
    }
    assert [text.split(":")[0] for text in unread(wrong, "")] == [
        "sedd",
        "data.module.strid",
        "planner.mpc.horizons",
        "suite.baselines.any name.margins",
        *(f"pretrain.{word}" for word in words),
        "readout.watch_every",
        "ablation.rows.any row.suite",
    ]


def test_costs_are_chosen_and_changed_by_name():
    chosen = ["run=x", "+cost@planner.cost=default", "planner.cost.weights.imposition=0.3"]  # runs older than a term
    assert composed("eval", chosen)["planner"]["cost"]["weights"]["imposition"] == 0.3
    changed = composed("eval", ["run=x", "+planner.cost.weights.imposition=0.3"])["planner"]
    assert changed == {"cost": {"weights": {"imposition": 0.3}}}


@pytest.mark.parametrize("name", [path.stem for path in CONFIG_FILES if path.parent == CONFIGS / "experiment"])
def test_experiments_compose(name: str):
    composed("train", [f"experiment={name}"])


@pytest.mark.parametrize(
    "path",
    [p for p in CONFIG_FILES if p.parent.parent == CONFIGS and p.parent.name not in ("bench", "experiment")],
    ids=lambda path: str(path.relative_to(CONFIGS)),
)
def test_options_compose(path: Path):
    evaluated = {"suite": [], "size": ["suite=mind"], "baseline": []}
    name = path.parent.name
    packages = {"cost": "cost@planner.cost", "solver": "solver@planner.solver"}
    group = {**packages, "baseline": "+baseline@suite.baselines.another"}.get(name, name)
    composed("eval" if name in evaluated else "train", [*evaluated.get(name, []), f"{group}={path.stem}"])
