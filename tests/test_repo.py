"""Laws of the house: who may import whom, small files, docstrings, no more dependencies than are used."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.repo import ENTRIES, PACKAGE, ROOT, SOURCES

BASE = {"files", "runs", "inputs", "memory", "scene", "geometry", "kinematics", "history", "painting"}
PURE_WORLDS = {"worlds.ego", "worlds.orca", "worlds.route", "worlds.social_force"}
MAY_IMPORT = {
    "files": set(),
    "memory": set(),
    "geometry": set(),
    "runs": {"files"},
    "inputs": set(),
    "kinematics": {"geometry"},
    "scene": {"geometry", "inputs", "kinematics"},
    "history": {"kinematics", "scene"},
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
    "release": BASE | {"mind", "planning", "evaluation"},
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


def test_a_public_class_name_has_one_meaning():
    files = [*SOURCES, *sorted((ROOT / "benchmarks").glob("*.py"))]
    where: dict[str, list[str]] = {}
    for path in files:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert not {name: places for name, places in where.items() if len(places) > 1}


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
