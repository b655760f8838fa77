"""What the gallery is made of: pictures with a caption, and the page that shows them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from jepa_social.files import with_draft

COLUMNS = 3


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        name: of the file, without its ending: `<group>_<option>`.
        caption: what is shown, in a few words.
        draw: makes it.
    """

    name: str
    caption: str
    draw: Callable[[], Figure]


def write_page(groups: Mapping[str, tuple[str, Sequence[Picture]]], folder: Path) -> Path:
    """Write a Markdown page beside `folder` that shows its pictures.

    Args:
        groups: a heading, what is to be said below it, and its pictures.
        folder: where the pictures lie.
    """
    lines = ["# Gallery", "", "Made by `python -m jepa_social.evaluation.gallery run=pretrained`."]
    for title, (text, pictures) in groups.items():
        lines += ["", f"## {title}", "", text, "", "| | | |", "|---|---|---|"]
        for start in range(0, len(pictures), COLUMNS):
            row = pictures[start : start + COLUMNS]
            cells = [f"![{one.caption}]({folder.name}/{one.name}.png)<br>{one.caption}" for one in row]
            lines.append("| " + " | ".join(cells + [""] * (COLUMNS - len(row))) + " |")
    page = folder.with_suffix(".md")
    with_draft(page, lambda draft: draft.write_text("\n".join(lines) + "\n"))
    return page
