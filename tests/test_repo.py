"""Laws of the house: who may import whom, configs that say nothing in vain, documents that are true."""

import ast
import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import lightning
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import OmegaConf
from stable_baselines3 import PPO

from jepa_social.models.jepa import ModelConfig
from jepa_social.models.pixels import Pixels
from jepa_social.planning.mpc import MPC

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jepa_social"
CONFIGS = ROOT / "configs"
ENTRIES = [ROOT / "train.py", ROOT / "eval.py"]
SOURCES = sorted(PACKAGE.rglob("*.py"))
CARD = PACKAGE / "pretrained" / "README.md"
DOCUMENTS = [*ROOT.glob("*.md"), ROOT / "data" / "README.md", CARD, *sorted((ROOT / "docs").rglob("*.md"))]

BASE = {"files", "runs", "inputs", "memory", "scene", "geometry", "painting"}
PURE_WORLDS = {"worlds.ego", "worlds.orca", "worlds.route", "worlds.social_force"}
MAY_IMPORT = {
    "files": set(),
    "memory": set(),
    "geometry": set(),
    "runs": set(),
    "inputs": set(),
    "scene": {"geometry", "inputs"},
    "painting": {"scene"},
    "data": BASE,
    "worlds": BASE | {"data"},
    "models": BASE,
    "mind": BASE | {"models"},
    "planning": BASE | {"models", "mind"} | PURE_WORLDS,
    "evaluation": BASE | {"data", "worlds", "models", "mind", "planning"},
    "stages": BASE | {"data", "worlds", "models", "mind", "planning", "evaluation"},
    "bench": BASE | {"evaluation", "stages"},
    "ablate": {"bench"},
    "rl": BASE | {"worlds", "planning", "evaluation", "bench"},
    "tune": BASE | {"planning", "evaluation", "bench"},
    "release": BASE | {"mind", "evaluation"},
    "export": BASE | {"mind"},
    "__init__": {"runs", "scene", "mind", "planning"},
}
"""Room (or a module of one) -> what it may import, itself apart."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: import by the full name"
            assert node.module
            if node.module == "jepa_social":
                yield from (f"jepa_social.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_room_is_in_the_plan():
    assert {room(path) for path in SOURCES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path):
    mine = room(path)
    for name in imported(path):
        if name.split(".")[0] != "jepa_social":
            continue
        parts = name.split(".")[1:]
        allowed = MAY_IMPORT[mine] | {mine}
        assert {".".join(parts[:1]), ".".join(parts[:2])} & allowed, f"`{mine}` must not import `{name}`"


def test_files_stay_small():
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".html")]
    assert len(files) > 50
    assert not {str(p.relative_to(ROOT)): n for p in files if (n := len(p.read_text().splitlines())) > 300}


def test_public_names_have_docstrings():
    missing = []

    def visit(node: ast.Module | ast.ClassDef, where: str) -> None:
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
                if not ast.get_docstring(child):
                    missing.append(f"{where}: {child.name}")
                if isinstance(child, ast.ClassDef):
                    visit(child, f"{where}: {child.name}")

    for path in [*SOURCES, *ENTRIES]:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree) and path.read_text().strip():
            missing.append(str(path.relative_to(ROOT)))
        visit(tree, str(path.relative_to(ROOT)))
    assert not missing


# --- dependencies


def distribution(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def foreign(paths: list[Path]) -> set[str]:
    """Distributions that the files import, the standard library and ourselves apart."""
    known = packages_distributions()
    names = {name.split(".")[0] for path in paths for name in imported(path)}
    names -= set(sys.stdlib_module_names) | {"jepa_social", "tests", "benchmarks", "examples"}
    return {distribution(known.get(name, [name])[0]) for name in names}


def test_imports_and_dependencies_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {distribution(line) for line in project["dependencies"]}
    dev = {distribution(line) for line in project["optional-dependencies"]["dev"]}
    learning = [path for path in SOURCES if room(path) == "rl"]
    others = [path for path in [*SOURCES, *ENTRIES] if path not in learning]
    assert foreign(others) == core - {"torchvision"}, "torchvision is there for timm only"
    extra = {distribution(line) for line in project["optional-dependencies"]["rl"]}
    assert foreign(learning) - core == extra, "who does not learn by reinforcement does not need its library"
    beside = {distribution(line) for line in project["optional-dependencies"]["bench"]}
    commands = {"ruff", "pyright", "pytest-xdist"}
    used = foreign(sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])) - core
    assert used == (dev | beside) - commands


# --- configs

SPLATTED = {
    "model": ModelConfig,
    "tokenizer": Pixels,
    "model.tokenizer": Pixels,
    "planner.mpc": MPC,
    "trainer": lightning.Trainer,
    "ppo": PPO,
}
"""Nodes that are passed on whole, `Callable(**node)`, and to whom."""
FREE_NAMES = {"suite.baselines", "suite.columns", "bench.ablation.rows", "search"}
"""Nodes whose keys are names that nobody has to know."""
CONFIG_FILES = sorted(CONFIGS.rglob("*.yaml"))
INTERPOLATED = {
    key for path in CONFIG_FILES for ref in re.findall(r"\$\{([\w.]+)\}", path.read_text()) for key in ref.split(".")
}
READERS = "\n".join(text for path in [*SOURCES, *ENTRIES] if "omegaconf" in (text := path.read_text()))
"""All files that handle configs."""


def is_read(key: str) -> bool:
    return key in INTERPOLATED or bool(re.search(rf"\.{key}\b|[\"']{key}[\"']", READERS))


def unread(node: object, where: str) -> Iterator[str]:
    """Keys below `node` that no code reads."""
    if isinstance(node, list):
        for item in node:
            yield from unread(item, where)
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
            free = where in FREE_NAMES or where.startswith("search.")  # a setting of whatever baseline is searched
            if not free and not is_read(str(key)):
                yield f"{place}: nobody reads it"
            yield from unread(value, place)


def arguments(value: object, where: str) -> Iterator[str]:
    """Plain mappings among the arguments are the callable's own business; objects in them are not."""
    if isinstance(value, dict) and "_target_" not in value:
        for key, item in value.items():
            yield from arguments(item, f"{where}.{key}")
    else:
        yield from unread(value, where)


def composed(entry: str, overrides: list[str], resolve: bool = True) -> dict:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = OmegaConf.to_container(compose(entry, overrides=overrides), resolve=resolve, throw_on_missing=False)
    assert isinstance(config, dict)
    return config


@pytest.mark.parametrize("path", CONFIG_FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_every_config_key_is_read(path: Path):
    group = path.relative_to(CONFIGS).parent
    if group == Path("experiment"):  # it changes keys of nodes whose `_target_` is said elsewhere
        node = composed("train", [f"experiment={path.stem}"], resolve=False)
    elif group == Path("suite"):  # suites build on one another
        node = composed("eval", [f"suite={path.stem}"], resolve=False)["suite"]
    elif group == Path("cost"):  # and so do costs
        node = composed("train", [f"cost@planner.cost={path.stem}"], resolve=False)["planner"]["cost"]
    else:
        node = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(node, dict)
    for own in ("defaults", "hydra"):
        node.pop(own, None)
    whole = group.name in ("", "bench", "experiment")
    assert not list(unread(node, "" if whole else ".".join(group.parts)))


def test_the_key_check_sees_what_it_should():
    wrong = {
        "seed": 0,
        "sedd": 0,
        "data": {"module": {"_target_": "jepa_social.data.module.SceneDataModule", "strid": 1}},
        "planner": {"mpc": {"horizons": 3}},
        "suite": {"baselines": {"any name": {"_target_": "jepa_social.planning.reactive.Orca", "margins": 0.1}}},
    }
    assert [text.split(":")[0] for text in unread(wrong, "")] == [
        "sedd",
        "data.module.strid",
        "planner.mpc.horizons",
        "suite.baselines.any name.margins",
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


# --- documents


def commands(path: Path) -> list[tuple[str, list[str]]]:
    """Every `python train.py …` and `python eval.py …` of a document, with its arguments."""
    text = path.read_text().replace("\\\n", " ")
    found = re.findall(r"python (train|eval)\.py((?: +[^\s`)|]+)*)", text)
    return [(entry, shlex.split(rest, comments=True)) for entry, rest in found]


ALL_COMMANDS = [(path.name, entry, args) for path in DOCUMENTS for entry, args in commands(path)]


def test_the_documents_show_commands():
    assert len([1 for name, _, _ in ALL_COMMANDS if name == "README.md"]) >= 5


@pytest.mark.parametrize(("name", "entry", "args"), ALL_COMMANDS, ids=lambda value: str(value)[:60])
def test_commands_of_the_documents_are_valid(name: str, entry: str, args: list[str]):
    elsewhere = any(
        arg.startswith("data@suite.data=") for arg in args
    )  # refers to itself as `data`, where it is put later
    composed(entry, [re.sub(r"=(…|\.\.\.|<.*>)$", "=x", arg) for arg in args], resolve=not elsewhere)


def test_make_targets_of_the_documents_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"`make (\w+)", path.read_text())}
    assert named <= targets
    assert {"demo", "test"} <= named


def test_links_of_the_documents_lead_somewhere():
    for path in DOCUMENTS:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_paths_of_the_architecture_exist():
    for name in re.findall(
        r"`((?:jepa_social|configs|tests|data|docs)/[\w/.]*)`", (ROOT / "ARCHITECTURE.md").read_text()
    ):
        assert (ROOT / name).exists(), name


def test_nothing_names_a_machine():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: cannot tell what is committed")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    personal = re.compile(r"(?<![\w.])/(root|home|work|Users|mnt)/|(index|find)[-_](url|links)")
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.suffix in (".png", ".gif", ".mp4", ".safetensors") or not path.is_file():
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            assert not personal.search(line), f"{name}, line {number}: {line.strip()}"
