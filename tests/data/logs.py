"""Small made-up recordings that the tests of the data room share."""

from pathlib import Path

import numpy as np

from jepa_social.data.schema import Recording


def walk(name: str = "walk", agents: int = 4, frames: int = 30, dt: float = 0.4, seed: int = 0, **more) -> Recording:
    """Random walks; agent 0 is always there, the others come late, leave early and blink."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.2, (2, frames, agents)) + rng.normal(0, 0.3, (2, 1, agents))
    x, y = np.cumsum(steps, axis=1) + 5 * rng.normal(size=(2, 1, agents))
    tick, agent = np.meshgrid(np.arange(frames), np.arange(agents), indexing="ij")
    seen = np.ones((frames, agents), bool)
    for one in range(1, agents):
        seen[: rng.integers(0, frames // 3), one] = False
        seen[frames - rng.integers(0, frames // 3) :, one] = False
        seen[rng.integers(0, frames), one] = False
    columns = {"time": tick * dt, "agent": agent + 10, "kind": (agent + 1) % 3, "x": x, "y": y}
    return Recording(name=name, dt=dt, **{key: value[seen] for key, value in columns.items()}, **more)


def straight(time: np.ndarray, agent: np.ndarray, dt: float, name: str = "straight", **more) -> Recording:
    """Each agent on its own straight line at its own constant speed."""
    x, y = 1.0 + 0.3 * agent + (0.5 + 0.1 * agent) * time, -2.0 + (1.0 - 0.2 * agent) * time
    return Recording(name, dt, time, agent, np.zeros(len(time), int), x, y, **more)


def write_text(path: Path, recording: Recording, frames_per_step: int = 10) -> Path:
    """`frame agent x y`, in full precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = np.round(recording.time / recording.dt).astype(int) * frames_per_step
    rows = zip(frame, recording.agent, recording.x, recording.y, strict=True)
    path.write_text(
        "".join(f"{f}\t{a}\t{x!r}\t{y!r}\n" for f, a, x, y in ((f, a, float(x), float(y)) for f, a, x, y in rows))
    )
    return path


def write_folds(root: Path) -> Path:
    """A folder laid out like the ETH/UCY folds, for fold `hotel` only."""
    for split, seeds in (("train", (1, 2)), ("val", (3,)), ("test", (4,))):
        for seed in seeds:
            write_text(root / "hotel" / split / f"scene{seed}.txt", walk(seed=seed))
    return root
