"""An episode as moving pictures: drawn with a light rasteriser, as matplotlib takes ten times as long."""

from io import BytesIO
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import torch
from PIL import Image, ImageDraw
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from torch import Tensor
from torch.utils.tensorboard.writer import SummaryWriter

from jepa_social.evaluation.style import EGO, GOAL, PERSON, WALL, rgb
from jepa_social.files import with_draft
from jepa_social.scene import FAR, Scene

FPS = 15
SMOOTH = 2
"""Pixels drawn per pixel shown, along each axis: antialiasing."""
TRAIL = 2.5
"""s of past drawn behind everybody."""


def frames(scene: Scene, index: int = 0, stop: int | None = None, size: int = 400, fps: float = FPS) -> Tensor:
    """Pictures `[T,3,size,size]` uint8 of one scene, as TensorBoard's `add_video` wants them (with a leading axis).

    Args:
        scene: whole runs.
        index: which of them.
        stop: last frame; where its ego (or anybody) was last present by default.
        size: pixels, even.
        fps: pictures a second of the scene's time; between frames people move in straight lines.
    """
    position, present = scene.position[index].cpu(), scene.present[index].cpu()
    if stop is None:
        stop = int(present.any(0).nonzero().max())
    duration = stop * float(scene.dt[index])
    view = _View(position[:, : stop + 1][present[:, : stop + 1]], scene, index, size * SMOOTH)
    times = np.arange(0, duration + 0.5 / fps, 1 / fps) / float(scene.dt[index])
    shown = [view.draw(position, present, min(float(t), stop)) for t in times]
    return torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)


def write_video(path: Path, scene: Scene, index: int = 0, stop: int | None = None, size: int = 400) -> Path:
    """Write one scene as MP4 (H.264, 15 pictures a second) through imageio-ffmpeg, atomically."""
    pictures = frames(scene, index, stop, size).permute(0, 2, 3, 1).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(draft: Path) -> None:
        with imageio.get_writer(draft, format="FFMPEG", fps=FPS, macro_block_size=2, ffmpeg_log_level="error") as film:  # pyright: ignore[reportArgumentType]
            for picture in pictures:
                film.append_data(picture)  # pyright: ignore[reportAttributeAccessIssue]

    # ffmpeg knows the container by the ending, which the temporary name must therefore keep.
    with_draft(path, lambda draft: (write(draft.with_suffix(".mp4")), draft.with_suffix(".mp4").replace(draft)))
    return path


class _View:
    """Metres to pixels, and what stands still."""

    def __init__(self, points: Tensor, scene: Scene, index: int, size: int):
        self.goal = None if scene.goal is None else scene.goal[index].cpu()
        if self.goal is not None:
            points = torch.cat((points, self.goal[None]))
        low, high = points.amin(0), points.amax(0)
        self.centre = (low + high) / 2
        self.scale = size / (float((high - low).max()) + 2.0)
        self.size, self.index = size, index
        self.radius = scene.radius[index].tolist()
        self.ego, self.dt = int(scene.ego[index]), float(scene.dt[index])
        self.background = Image.new("RGB", (size, size), "white")
        pen = ImageDraw.Draw(self.background)
        for wall in [] if scene.walls is None else scene.walls[index].tolist():
            if max(abs(v) for v in wall) < FAR:
                pen.line([self.pixel(wall[:2]), self.pixel(wall[2:])], fill=rgb(WALL), width=3 * SMOOTH)
        if self.goal is not None:
            self._star(pen, self.pixel(self.goal.tolist()))

    def pixel(self, point: list[float]) -> tuple[float, float]:
        x = (point[0] - float(self.centre[0])) * self.scale + self.size / 2
        return x, self.size / 2 - (point[1] - float(self.centre[1])) * self.scale

    def draw(self, position: Tensor, present: Tensor, time: float) -> np.ndarray:
        picture = self.background.copy()
        pen = ImageDraw.Draw(picture)
        before, share = int(time), time - int(time)
        after = min(before + 1, position.shape[1] - 1)
        first = max(0, before - round(TRAIL / self.dt))
        both = present[:, before] & present[:, after]
        now = torch.where(
            both[:, None], torch.lerp(position[:, before], position[:, after], share), position[:, before]
        )
        order = [n for n in range(len(now)) if n != self.ego] + ([self.ego] if self.ego >= 0 else [])
        for agent in order:
            if not present[agent, before]:
                continue
            colour = rgb(EGO if agent == self.ego else PERSON)
            trail = position[agent, first : before + 1][present[agent, first : before + 1]].tolist()
            spots = [self.pixel(p) for p in [*trail, now[agent].tolist()]]
            pale = tuple(c + (255 - c) // 2 for c in colour)
            pen.line(spots, fill=pale, width=3 * SMOOTH, joint="curve")
            x, y = self.pixel(now[agent].tolist())
            reach = self.radius[agent] * self.scale
            pen.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour)
            if after > before and both[agent]:
                tip = now[agent] + (position[agent, after] - position[agent, before]) / self.dt * 0.6
                pen.line([(x, y), self.pixel(tip.tolist())], fill=colour, width=2 * SMOOTH)
        shown = picture.resize((self.size // SMOOTH, self.size // SMOOTH), Image.Resampling.BOX)
        return np.asarray(shown)

    def _star(self, pen: ImageDraw.ImageDraw, centre: tuple[float, float]) -> None:
        turn = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 4, 9) * SMOOTH
        spots = np.stack((centre[0] + reach * np.cos(turn), centre[1] + reach * np.sin(turn)), -1)
        pen.polygon([tuple(s) for s in spots.tolist()], fill=rgb(GOAL))


def add_film(board: SummaryWriter, tag: str, pictures: Tensor, fps: float) -> None:
    """Show `pictures [T,3,H,W]` uint8 in TensorBoard as an animated GIF.

    `SummaryWriter.add_video` writes the same record, but through a package that we do not need otherwise.
    """
    first, *others = (Image.fromarray(picture) for picture in pictures.permute(0, 2, 3, 1).numpy())
    buffer = BytesIO()
    first.save(buffer, format="GIF", save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
    height, width = pictures.shape[-2:]
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=buffer.getvalue())
    board._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=tag, image=image)]))
