"""Several sources as one, to pretrain on whatever there is; val and test stay those of one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jepa_social.data.schema import Recording
from jepa_social.data.source import Source, known_split


class Mixture:
    """The training recordings of some sources, and the val and test recordings of one.

    Recordings keep their rate: windows resample each of them to `data.dt`. A name becomes `source/name`. Only the train
    split of any source is trained on, so what a source holds out stays held out.

    Args:
        sources: name -> a function that makes the source (`_partial_: true` in a config); only those in use are made.
        train: names of the sources that are trained on.
        heldout: name of the source whose val and test recordings are this one's.

    Raises:
        ValueError: a name that `sources` lacks or that `train` has twice, or no name in `train`.
    """

    def __init__(self, sources: Mapping[str, Callable[[], Source]], train: Sequence[str], heldout: str):
        train = list(train)
        if not train or len(set(train)) < len(train):
            raise ValueError(f"the `train` of a mixture must list some of {sorted(sources)} once each, got {train}")
        if unknown := {*train, heldout} - set(sources):
            raise ValueError(f"a mixture has no source {sorted(unknown)}: choose among {sorted(sources)}")
        self.sources = {name: make() for name, make in sources.items() if name in (*train, heldout)}
        self.train, self.heldout = train, heldout

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, source by source, or of `val` or `test`."""
        names = self.train if known_split(split) == "train" else [self.heldout]
        return [
            replace(recording, name=f"{name}/{recording.name}")
            for name in names
            for recording in self.sources[name].recordings(split)
        ]

    def describe(self) -> dict[str, Any]:
        """Settings and files of all sources in use."""
        about = {name: source.describe() for name, source in self.sources.items()}
        files = sorted({path for source in about.values() for path in source["files"]})
        return {"reader": "mixture", "train": self.train, "heldout": self.heldout, "sources": about, "files": files}
