"""Writing files whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def with_draft(path: str | os.PathLike, write: Callable[[Path], Any]) -> None:
    """Let `write(draft)` fill a temporary file beside `path`, then rename it: nobody ever reads half a file.

    The folder is made if need be; a failed draft is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
