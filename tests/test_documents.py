"""Laws of the house: documents that are true."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.repo import PACKAGE, ROOT, composed

CARD = PACKAGE / "pretrained" / "README.md"
DOCUMENTS = [
    *ROOT.glob("*.md"), ROOT / "data" / "README.md", ROOT / "benchmarks" / "README.md", CARD,
    *sorted((ROOT / "docs").rglob("*.md")),
]  # fmt: skip
PROGRAMS = {
    "train.py": "train",
    "eval.py": "eval",
    "-m jepa_social.ablate": "bench/ablate",
    "-m jepa_social.tune": "tune",
    "-m jepa_social.rl": "rl",
    "-m jepa_social.evaluation.gallery": "gallery",
}
"""What Hydra starts, and its config."""


def commands(path: Path) -> list[tuple[str, list[str]]]:
    """Every command of a document that Hydra reads: its config and its arguments."""
    text = path.read_text().replace("\\\n", " ")
    found = re.findall(rf"python ({'|'.join(map(re.escape, PROGRAMS))})((?: +[^\s`)|]+)*)", text)
    return [(PROGRAMS[program], shlex.split(rest, comments=True)) for program, rest in found]


def anchors(path: Path) -> set[str]:
    """What links may lead to in a document: its headings as GitHub spells them."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


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


def test_modules_of_the_documents_exist():
    named = {(path.name, name) for path in DOCUMENTS for name in re.findall(r"python -m ([\w.]+)", path.read_text())}
    assert ("guide.md", "jepa_social.export") in named
    assert not [pair for pair in sorted(named) if find_spec(pair[1]) is None]


def test_links_of_the_documents_lead_somewhere():
    for path in DOCUMENTS:
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", path.read_text()):
            target = path.parent / link if link else path
            assert target.exists(), f"{path.name} links to {link}"
            assert not anchor or anchor in anchors(target), f"{path.name} links to #{anchor} of {target.name}"


def test_paths_of_the_architecture_exist():
    for name in re.findall(
        r"`((?:jepa_social|configs|tests|data|docs)/[\w/.]*)`", (ROOT / "ARCHITECTURE.md").read_text()
    ):
        assert (ROOT / name).exists(), name
