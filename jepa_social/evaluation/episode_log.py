"""Episodes become logs like any other (`data.schema`), so that a model can learn from what its own acts led to."""

from collections.abc import Sequence
from pathlib import Path

from jepa_social.data.schema import read_log, write_log
from jepa_social.evaluation.episodes import Episodes
from jepa_social.worlds.record import to_recordings


def log_episodes(run_dir: Path, suite: str, episodes: Sequence[Episodes]) -> Path:
    """Merge episodes into `log_<suite>.parquet`, each from its first decision to its end.

    Recordings are called `<scenario>/<seed>#<policy>`: a crowd falls into one split, whoever walks through it (`Deal`).
    Those of a policy that was logged before are replaced.

    Raises:
        ValueError: a policy ran one scenario and seed twice.
    """
    path = run_dir / f"log_{suite}.parquet"
    fresh = {one.policy for one in episodes}
    old = read_log(path) if path.is_file() else []
    kept = [recording for recording in old if recording.name.rpartition("#")[2] not in fresh]
    for one in episodes:
        pairs = zip(one.scenarios, one.seeds.tolist(), strict=True)
        names = [f"{scenario}/{seed}#{one.policy}" for scenario, seed in pairs]
        kept += to_recordings(one.scene, names, one.stop + 1)
    write_log(path, kept, source=f"jepa_social closed loop, suite {suite}")
    return path
