"""What a world produces becomes a log like any other: a run as `Recording`s."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from jepa_social.data.schema import Recording
from jepa_social.scene import FAR, Scene


def to_recordings(run: Scene, names: Sequence[str], frames: Tensor | None = None) -> list[Recording]:
    """One recording per scene of a whole run (`world.history()`); only present agents get rows.

    Agents are numbered by their slot; the extra column `ego` is 1 for the ego's rows and 0 for others'.

    Args:
        run: B scenes.
        names: of the B recordings.
        frames: `[B]` how many leading frames to keep, or None for all.

    Raises:
        ValueError: another number of names than of scenes.
    """
    if len(names) != run.position.shape[0]:
        raise ValueError(f"{len(names)} names for {run.position.shape[0]} scenes: give one each")
    position, velocity = run.position.double().cpu().numpy(), run.velocity.double().cpu().numpy()
    heading, present = run.heading.double().cpu().numpy(), run.present.cpu().numpy()
    kind, radius, ego = run.kind.cpu().numpy(), run.radius.double().cpu().numpy(), run.ego.cpu().numpy()
    walls = None if run.walls is None else run.walls.double().cpu().numpy()
    recordings = []
    for b, name in enumerate(names):
        stop = run.frames if frames is None else int(frames[b])
        frame, agent = np.nonzero(present[b, :, :stop].T)
        dt = round(float(run.dt[b]), 6)
        solid = None if walls is None else walls[b][(np.abs(walls[b]) < FAR).all(-1)]
        recordings.append(
            Recording(
                name=name,
                dt=dt,
                time=frame * dt,
                agent=agent,
                kind=kind[b][agent],
                x=position[b, agent, frame, 0],
                y=position[b, agent, frame, 1],
                vx=velocity[b, agent, frame, 0],
                vy=velocity[b, agent, frame, 1],
                heading=heading[b, agent, frame],
                radius=radius[b][agent],
                walls=solid if solid is not None and len(solid) else None,
                extras={"ego": (agent == ego[b]).astype(np.int64)},
            )
        )
    return recordings
