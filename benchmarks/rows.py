"""Measurements as CSV: what every benchmark leaves behind."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jepa_social.files import with_draft


def write(rows: Sequence[Any], machine: dict[str, str], path: Path) -> None:
    """Write rows (dataclasses) as CSV, the machine on each."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def save(draft: Path) -> None:
        with open(draft, "w", newline="") as file:
            writer = csv.DictWriter(file, [*asdict(rows[0]), *machine])
            writer.writeheader()
            for row in rows:
                cells = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in asdict(row).items()}
                writer.writerow(cells | machine)

    with_draft(path, save)
