"""Laws of the house: documents that are true."""

import re
import shlex
from pathlib import Path

import pytest

from tests.repo import PACKAGE, ROOT, composed

CARD = PACKAGE / "pretrained" / "README.md"
DOCUMENTS = [*ROOT.glob("*.md"), ROOT / "data" / "README.md", CARD, *sorted((ROOT / "docs").rglob("*.md"))]


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
