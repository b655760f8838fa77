"""Tables and figures from the CSVs alone: `python -m jepa_social.bench.publish` renews all of `results/`."""

import argparse
from pathlib import Path

from rich.console import Console

from jepa_social.bench.figures import draw
from jepa_social.bench.records import read_records
from jepa_social.bench.summary import summarise
from jepa_social.bench.tables import latex, markdown, tables, terminal
from jepa_social.evaluation.figures import save
from jepa_social.files import with_draft


def publish(path: Path, console: Console | None = None) -> None:
    """Write `<name>.md`, `.tex` and `.png` beside `<name>.csv`; print the table if there is a console.

    Raises:
        ValueError: the file is not one that `jepa_social.ablate` wrote.
    """
    summary = summarise(read_records(path))
    made = tables(summary)
    for suffix, text in ((".md", markdown(summary.title, made)), (".tex", latex(summary.title, made))):
        with_draft(path.with_suffix(suffix), lambda draft, text=text: draft.write_text(text))
    save(draw(summary), path.with_suffix(".png"))
    if console:
        console.print(terminal(summary.title, made[0]))
        console.print(f"{path} and beside it .md, .tex, .png", highlight=False)


def main() -> None:
    """Renew what lies beside the CSVs of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="results", type=Path, help="where the CSVs are")
    folder = parser.parse_args().folder
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        parser.error(f"no CSV in {folder}: python -m jepa_social.ablate ablation=objective makes one")
    for path in paths:
        publish(path)
        print(path.with_suffix(".md"))


if __name__ == "__main__":
    main()
