"""Observations taken away, as a tracker that loses people would."""

from collections.abc import Sequence

import numpy as np
import torch

from jepa_social.scene import Scene

KEPT = 2
"""Last frames that always stay: without them nobody would know where an agent is and where it goes."""


def drop_frames(scene: Scene, share: float, windows: Sequence[int], seed: int = 0) -> Scene:
    """Take away each observation but the last two with probability `share`; velocity and heading are found anew.

    Args:
        scene: observed frames only.
        share: in [0, 1); with 0 the scene is left as it is.
        windows: B numbers, one a scene: with `seed` they decide what is lost, whatever batch the scene is in.
        seed: of the losses.

    Raises:
        ValueError: `share` is outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"suite.drop must be at least 0 and less than 1, got {share}")
    if share == 0 or scene.frames <= KEPT:
        return scene
    past = scene.frames - KEPT
    lost = np.stack([np.random.default_rng((seed, w)).random((scene.agents, past)) < share for w in windows])
    kept = torch.ones_like(scene.present)
    kept[..., :past] = torch.from_numpy(~lost)
    fields = {name: getattr(scene, name) for name in ("kind", "radius", "ego", "goal", "speed", "walls")}
    return Scene.from_arrays(scene.position, scene.dt, present=scene.present & kept, **fields)
