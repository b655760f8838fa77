"""Learning in a crowd until `steps` are done: checkpoints, the curve, and the best policy by validation seeds."""

import csv
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.save_util import load_from_zip_file

from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.runner import run_episodes
from jepa_social.files import with_draft
from jepa_social.planning.learned import Learned
from jepa_social.rl.imitation import demonstrate, imitate
from jepa_social.rl.learner import actor_of, build_learner
from jepa_social.rl.vec_env import CrowdVecEnv
from jepa_social.worlds.crowd import Crowd

CHECKPOINT, CURVE, POLICY = "checkpoint.zip", "curve.csv", "policy.safetensors"
"""What a run holds: all that is needed to go on, its history, and the best policy so far by validation seeds."""

COLUMNS = ("steps", "episodes", "reward", "success", "collision", "val_success", "val_collision", "val_time")
"""Of the curve: steps and episodes so far, means of the last 1000 training episodes (with exploration) and scores of
the mean action on the validation seeds."""


def learn(config: DictConfig) -> Path:
    """Train, or go on from the checkpoint in `config.run`; returns the file of the policy.

    Raises:
        ValueError: the run has been trained for so many steps already.
    """
    folder = Path(config.run)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    done = load_from_zip_file(checkpoint)[0]["num_timesteps"] if checkpoint.is_file() else 0  # pyright: ignore
    rows = [row for row in read_curve(folder / CURVE) if int(row["steps"]) <= done] if checkpoint.is_file() else []
    if done >= config.steps:
        raise ValueError(f"{folder} is trained for {done} steps: raise steps={config.steps}, or give another run=")
    seeds = range(config.first_seed, config.first_seed + config.pool)
    env = CrowdVecEnv(instantiate(config.world), seeds, config.scenes, config.seen, config.seed + done)
    learner = PPO.load(checkpoint, env, device="cpu") if rows else build_learner(config, env)
    if not rows and config.demonstrations:
        teacher = instantiate(config.teacher)
        shown = demonstrate(env, teacher, config.demonstrations, config.noise, config.ppo.gamma)
        imitate(learner, shown, config.imitation_epochs, config.seed)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("learning", total=config.steps, completed=done)
        watch = Watch(config, rows, lambda now, text: bar.update(task, completed=now, description=text))
        learner.learn(config.steps - done, callback=watch, reset_num_timesteps=not rows)
    return folder / POLICY


def validate(policy: Learned, world: Crowd, seeds: Sequence[int]) -> tuple[float, float, float]:
    """Success, collisions and mean time (s) of a policy."""
    scores = navigation(run_episodes(world, policy, seeds, batch=len(seeds)))
    return float(scores.success.mean()), float(scores.collision.mean()), float(scores.navigation_time.nanmean())


def read_curve(path: Path) -> list[dict[str, str]]:
    """The rows of a curve, oldest first."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _rank(success: float, time: float) -> tuple[float, float]:
    """More success is better, then less time (NaN where nobody arrived)."""
    return success, -time if time == time else -np.inf


class Watch(BaseCallback):
    """Counts endings; every `validate_every` rollouts scores the mean action and keeps the best and a checkpoint.

    Args:
        config: the run's.
        rows: of the curve so far.
        report: called with the steps so far and a line about them.
    """

    def __init__(self, config: DictConfig, rows: list[dict[str, str]], report: Callable[[int, str], None]):
        super().__init__()
        self.config, self.rows, self.report, self.folder = config, rows, report, Path(config.run)
        self.world = instantiate(config.world)
        self.recent: deque[tuple[float, bool, bool]] = deque(maxlen=1000)
        self.ended = int(rows[-1]["episodes"]) if rows else 0
        self.best = max((_rank(float(row["val_success"]), float(row["val_time"])) for row in rows), default=(-1.0, 0.0))
        self.rollouts = 0

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.ended += 1
                self.recent.append((info["episode"]["r"], info["is_success"], info["collided"]))
        return True

    def _on_rollout_start(self) -> None:
        gained, success, collision = self._means()
        self.report(self.num_timesteps, f"reward {gained:.3f} success {success:.3f} collision {collision:.3f}")
        if (self.rollouts or not self.rows) and self.rollouts % self.config.validate_every == 0:
            self._keep()
        self.rollouts += 1

    def _on_training_end(self) -> None:
        self._keep()

    def _means(self) -> list[float]:
        return np.mean(np.array(self.recent, dtype=float), axis=0).tolist() if self.recent else [np.nan] * 3

    def _keep(self) -> None:
        """Score, then write the policy if it is the best so far, the checkpoint and the curve."""
        learner: Any = self.model
        actor, latest = actor_of(learner, self.config.width), self.folder / "latest.safetensors"
        actor.save(latest, self.config.seen)
        first = self.config.validation_seed
        scores = validate(Learned(latest), self.world, range(first, first + self.config.validation))
        if (rank := _rank(scores[0], scores[2])) > self.best:
            self.best = rank
            actor.save(self.folder / POLICY, self.config.seen)
        latest.unlink()
        means = [f"{value:.4g}" for value in (*self._means(), *scores)]
        self.rows.append(dict(zip(COLUMNS, [str(self.num_timesteps), str(self.ended), *means], strict=True)))
        with_draft(self.folder / CURVE, self._write)  # first: a curve may be ahead of its checkpoint, never behind
        with_draft(self.folder / CHECKPOINT, lambda draft: self._save(learner, draft))

    def _save(self, learner: PPO, draft: Path) -> None:
        with draft.open("wb") as file:
            learner.save(file)

    def _write(self, draft: Path) -> None:
        with draft.open("w", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, list(COLUMNS))
            writer.writeheader()
            writer.writerows(self.rows)
