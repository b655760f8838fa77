"""Moving and still pictures of our own episodes: videos on disk and in TensorBoard, and one moment with its futures."""

from pathlib import Path

import torch
from torch.utils.tensorboard.writer import SummaryWriter

from jepa_social.evaluation.episodes import Episodes
from jepa_social.evaluation.figures import save, scene_figure
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.video import add_film, frames, write_video
from jepa_social.mind.world_model import WorldModel

LOOK_BACK = 1.5
"""s before the closest approach at which a moment is drawn."""


def film(run: Path, suite: str, ours: Episodes) -> None:
    """The closest call of each kind of ending, as MP4 under `run/videos` and in TensorBoard."""
    scores = navigation(ours)
    board = SummaryWriter(str(run / "evaluation"))
    for ending in ("collision", "timeout", "success"):
        index = _closest(scores.minimum_distance, getattr(scores, ending))
        if index is not None:
            write_video(run / "videos" / f"{suite}_{ending}.mp4", ours.scene, index)
            add_film(board, f"{suite}/{ending}", frames(ours.scene, index, size=240, fps=6), fps=6)
    board.close()


def picture(run: Path, suite: str, ours: Episodes, world_model: WorldModel) -> None:
    """A moment before the closest call of our successes, with the futures that were imagined for everybody then."""
    scores = navigation(ours)
    crowded = ours.scene.present.any(2).sum(1) >= 6
    index = _closest(scores.minimum_distance, scores.success * crowded)
    if index is None:
        return
    scene = ours.scene[index : index + 1]
    offset = (scene.position - scene.position[:, :1]).norm(dim=-1).masked_fill(~scene.present, torch.inf)[0, 1:]
    closest = int(offset.amin(0).argmin())
    now = max(1, closest - round(LOOK_BACK / float(scene.dt)))
    past = round(7 * world_model.dt / float(scene.dt))
    futures = world_model.forecast(scene.between(max(0, now - past), now + 1))[0]
    truth = scene.position[0, :, now + 1 : now + 1 + world_model.horizon].clone()
    truth[~scene.present[0, :, now + 1 : now + 1 + world_model.horizon]] = torch.nan
    title = f"{ours.scenarios[index].replace('_', ' ')}: what is imagined, and what came"
    save(scene_figure(scene, now, futures, truth, title), run / "figures" / f"{suite}_moment.png")


def _closest(distance: torch.Tensor, where: torch.Tensor) -> int | None:
    """Index of the least `distance` among the episodes `where`, if there is one."""
    which = where.nonzero()[:, 0]
    return int(which[distance[which].nan_to_num(torch.inf).argmin()]) if len(which) else None
