"""ETH and UCY pedestrians in the leave-one-scene-out folds of the literature (Gupta et al., CVPR 2018).

The standard ETH test file calls its samples 0.4 s apart although they are 0.667 s apart; tables need it as it is.
"""

from pathlib import Path
from typing import Any

from jepa_social.data.schema import Recording
from jepa_social.data.source import known_split
from jepa_social.data.text import existing, read_tracks

FOLDS = ("eth", "hotel", "univ", "zara1", "zara2")
DT = 0.4
FRAME_STEP = 10
CORRECTED = "corrected/biwi_eth_0.4s.txt"
CORRECTED_STEP = 6


class EthUcy:
    """Reader of `root/<fold>/{train,val,test}/*.txt`; a recording per file.

    The test split holds whole recordings, so it is also what a replay world plays.

    Args:
        root: folder with one folder per fold.
        fold: the scene that is left out of train and val and makes up test.
        corrected: in fold `eth`, test on the file with true 0.4 s steps instead of the one that tables use.
        max_speed: m/s beyond which a displacement is refused as a teleport.

    Raises:
        ValueError: an unknown fold, or `corrected` for another fold than `eth`.
        FileNotFoundError: a folder or file is not there.
    """

    def __init__(self, root: str, fold: str, corrected: bool = False, max_speed: float = 15.0):
        if fold not in FOLDS:
            raise ValueError(f"data.source.fold must be one of {FOLDS}, got `{fold}`")
        if corrected and fold != "eth":
            raise ValueError(
                "data.source.corrected=true swaps the ETH test recording, so it needs data.source.fold=eth"
            )
        self.fold, self.corrected, self.max_speed = fold, corrected, max_speed
        self.root = existing(root, "data.source.root", "the folder that holds eth/, hotel/, univ/, zara1/ and zara2/")

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, by file name."""
        return [self._read(path) for path in self._files(known_split(split))]

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        files = [str(path) for split in ("train", "val", "test") for path in self._files(split)]
        return {"reader": "eth_ucy", "fold": self.fold, "max_speed": self.max_speed, "files": files}

    def _files(self, split: str) -> list[Path]:
        if self.corrected and split == "test":
            return [existing(self.root / CORRECTED, "data.source.root", f"a folder with {CORRECTED} in it")]
        folder = existing(
            self.root / self.fold / split, "data.source.root", "a folder with <fold>/{train,val,test}/*.txt"
        )
        if not (files := sorted(folder.glob("*.txt"))):
            raise FileNotFoundError(f"data.source.root={self.root}: no *.txt in {folder} (see data/README.md)")
        return files

    def _read(self, path: Path) -> Recording:
        step = CORRECTED_STEP if path.match(CORRECTED) else FRAME_STEP
        return read_tracks(path, path.stem, DT / step, DT, self.max_speed)
