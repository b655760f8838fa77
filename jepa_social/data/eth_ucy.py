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
SCENES = {
    "biwi_eth": "eth",
    "biwi_hotel": "hotel",
    "students001": "univ",
    "students003": "univ",
    "uni_examples": "univ",
    "crowds_zara01": "zara1",
    "crowds_zara02": "zara2",
    "crowds_zara03": "zara3",
}
"""File, without `_train` and `_val`, -> scene. `crowds_zara03` is no fold's test: every fold trains on it."""
PLACES = {"zara": ("zara1", "zara2", "zara3")}
"""A street filmed three times -> its scenes."""


class EthUcy:
    """Reader of `root/<fold>/{train,val,test}/*.txt`; a recording per file.

    The test split holds whole recordings, so it is also what a replay world plays.

    Args:
        root: folder with one folder per fold.
        fold: the scene that is left out of train and val and makes up test.
        corrected: in fold `eth`, test on the file with true 0.4 s steps instead of the one that tables use.
        max_speed: m/s beyond which a displacement is refused as a teleport.
        val_scene: validate on a whole scene (`SCENES`) or place (`PLACES`) instead of the end of every recording: its
            recordings, of the train and val folders, are val; all others of both folders are train; test is untouched.
            `zara1` alone leaves the same street in train, as the benchmark's own folds do; `zara` takes it out.

    Raises:
        ValueError: an unknown fold or `val_scene`, both the same, or `corrected` for another fold than `eth`.
        FileNotFoundError: a folder or file is not there.
    """

    def __init__(
        self, root: str, fold: str, corrected: bool = False, max_speed: float = 15.0, val_scene: str | None = None
    ):
        if fold not in FOLDS:
            raise ValueError(f"data.source.fold must be one of {FOLDS}, got `{fold}`")
        if corrected and fold != "eth":
            raise ValueError(
                "data.source.corrected=true swaps the ETH test recording, so it needs data.source.fold=eth"
            )
        if val_scene is not None and (val_scene == fold or val_scene not in {*SCENES.values(), *PLACES}):
            choices = sorted({*SCENES.values(), *PLACES} - {fold})
            raise ValueError(f"data.val_scene must be null or, in fold `{fold}`, one of {choices}, got `{val_scene}`")
        self.fold, self.corrected, self.max_speed, self.val_scene = fold, corrected, max_speed, val_scene
        self.root = existing(root, "data.source.root", "the folder that holds eth/, hotel/, univ/, zara1/ and zara2/")

    def recordings(self, split: str) -> list[Recording]:
        """The recordings of `train`, `val` or `test`, by file name."""
        return [self._read(path) for path in self._files(known_split(split))]

    def describe(self) -> dict[str, Any]:
        """Settings and files."""
        files = [str(path) for split in ("train", "val", "test") for path in self._files(split)]
        settings = {"fold": self.fold, "max_speed": self.max_speed, "val_scene": self.val_scene}
        return {"reader": "eth_ucy", **settings, "files": files}

    def _files(self, split: str) -> list[Path]:
        if self.val_scene is None or split == "test":
            return self._folder(split)
        held_out = PLACES.get(self.val_scene, (self.val_scene,))
        both = sorted((*self._folder("train"), *self._folder("val")), key=lambda path: path.name)
        return [path for path in both if (_scene(path) in held_out) == (split == "val")]

    def _folder(self, split: str) -> list[Path]:
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


def _scene(path: Path) -> str:
    """The scene that a training or validation file was filmed in."""
    stem = path.stem.removesuffix("_train").removesuffix("_val")
    if stem not in SCENES:
        raise ValueError(f"{path}: data.val_scene needs files named {sorted(SCENES)}, with _train or _val: rename it")
    return SCENES[stem]
