"""Lessons: each of many lives corrects its world model by what people really did.

Act, observe, compare, update, act. After every run the forecasts that the world model would have made on the way are
held against what came, and the last layer of the motion readout is corrected, in the spirit of test-time adaptation of
latent world models (AdaJEPA 2026). That layer is linear in units that tell situations apart: what people of another
kind do otherwise *in a situation* needs few examples, and latents, which other readouts share, stay. Nothing here knows
what about people may differ.
"""

from collections import deque
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.geometry import rotate
from jepa_social.mind.motion import Motion, MotionReadout, surprisal
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.latents import Anchor
from jepa_social.scene import Scene

EVERY = 2
"""Frames between the moments of a run that are looked back at."""

LEAST = 1e-6
"""Ridge of units that nothing familiar excites."""

FIRST = 2
"""Frame of a run from which on velocities are known."""


@dataclass
class Memory:
    """Forecasts that a world model makes at K moments of a run of each of L lives, up to its last layer, and what came.

    Rows are lives within moments. Each moment is there twice: with the ego's plan known, as it then walked, and not.

    Attributes:
        anchor: the moments.
        units: what the last layer reads.
        truth: m.
        known: of whom there is a truth; never of the ego.
        meets: who was near and came nearer; only where the ego's plan is known.
        steps: frames ahead.
        lives: L.
    """

    anchor: Anchor
    units: Float[Tensor, "R 1 N H F"]
    truth: Float[Tensor, "R N H 2"]
    known: Bool[Tensor, "R N H"]
    meets: Bool[Tensor, "R N"]
    steps: Int[Tensor, "H"]
    lives: int

    def motion(self, readout: MotionReadout, learned: Float[Tensor, "L 3 F"] | None) -> Motion:
        """The forecasts of lives that have `learned` so much; None: nothing."""
        added = None if learned is None else learned.repeat(len(self.known) // self.lives, 1, 1)
        return readout.spoken(self.anchor, self.units, self.steps, added)

    def over_lives(self, value: Float[Tensor, "R N H"], where: Bool[Tensor, "R N H"]) -> Float[Tensor, "L"]:
        """Mean of each life; NaN where it has nothing to average."""
        total, count = (
            one.unflatten(0, (-1, self.lives)).sum((0, 2, 3)) for one in (torch.where(where, value, 0.0), where)
        )
        return total / torch.where(count > 0, count, torch.nan)


@torch.no_grad()
def look_back(world_model: WorldModel, run: Scene, reach: float = 6.0) -> Memory:
    """Remember a run of each life.

    Args:
        world_model: imagines.
        run: whole runs `[L,N,T]` at the model's time step.
        reach: m from the ego within which people are met.

    Raises:
        ValueError: another time step, or a run that is too short to look ahead in.
    """
    horizon = world_model.horizon
    starts = range(FIRST, run.frames - horizon, EVERY)
    if abs(float(run.dt[0]) - world_model.dt) > 1e-6:
        raise ValueError(f"runs at {float(run.dt[0])} s, a model at {world_model.dt} s: let the world step as it does")
    if not starts:
        raise ValueError(f"a run of {run.frames} frames is too short to look {horizon} ahead: let it last longer")
    lives = torch.arange(len(run))
    latents = world_model.jepa.encode(run)
    steps = torch.arange(1, horizon + 1)
    anchors, actions, truth, known, meets = [], [], [], [], []
    for start in starts:
        ahead = slice(start + 1, start + 1 + horizon)
        anchor, blind = latents.at(start), latents.at(start)
        there = (run.ego >= 0) & run.present[lives, run.ego, start]
        anchor.ego, blind.ego = torch.where(there, run.ego, -1), torch.full_like(run.ego, -1)
        others = torch.arange(run.agents) != run.ego[:, None]
        offset, relative = (v - v[lives, run.ego][:, None] for v in (anchor.position, anchor.velocity))
        near = (offset.norm(dim=-1) < reach) & ((offset * relative).sum(-1) < 0) & others & there[:, None]
        anchors += [anchor, blind]
        actions += [run.velocity[lives, run.ego, ahead][:, None]] * 2
        truth += [run.position[:, :, ahead]] * 2
        known += [run.present[:, :, ahead] & (anchor.present & others)[..., None]] * 2
        meets += [near, torch.zeros_like(near)]
    joined = Anchor.cat(anchors)
    imagined = world_model.jepa.imagine(joined, torch.cat(actions))
    units = world_model.motion.units(joined, imagined, None, steps)
    return Memory(joined, units, torch.cat(truth), torch.cat(known), torch.cat(meets), steps, len(run))


class Lessons:
    """What L lives have learned, each for itself: the last layer of a readout, corrected by linear regression.

    The layer says velocities of what it is given, units u. Its correction W makes the least error of position, in units
    of the spread that the readout itself foretells, of all that a life has seen, each run weighing the same, and
    changes as little as it can of what is said of people that are `familiar`, as if they were met again and did what
    is expected of them (rehearsal: Robins 1995):

        W = argmin  sum_runs mean | (W u - lacking) lag / spread |^2 + doubt familiar mean | W u lag / spread |^2

    where `lacking` is the true mean velocity up to a step minus the one told; what is told of people who walk faster
    than the readout's pace goes further, as if `lag` were longer.

    One Newton step for each run, exact as the layer is linear. A run is held back until it has been foretold with and
    without W; while the `judged` latest runs would have been likelier without, a life goes on without.

    Args:
        readout: its last layer is corrected; it is left as it is.
        lives: L.
        familiar: runs among people as those of the logs; which life they are of does not matter.
        doubt: how many runs they count as.
        judged: runs.

    Attributes:
        learned: added to the last layer's weights and bias.
        trusted: whether each life uses what it has worked out.
    """

    def __init__(self, readout: MotionReadout, lives: int, familiar: Memory, doubt: float = 10.0, judged: int = 8):
        self.readout = readout
        units, _, weight = _told_wrong(familiar, readout)
        rehearsed = torch.einsum("rnhf,rnhg->fg", weight[..., None] * units, units) / familiar.lives
        width = len(rehearsed)
        self.gram = (doubt * rehearsed + LEAST * torch.eye(width).to(units)).expand(lives, -1, -1)
        self.moment = units.new_zeros(lives, width, 2)
        self.worked_out = self.learned = familiar.units.new_zeros(lives, 3, width)
        self.trusted = torch.ones(lives, dtype=torch.bool)
        self.better: deque[Tensor] = deque(maxlen=judged)

    @torch.no_grad()
    def learn(self, memory: Memory) -> None:
        """Take in the latest run."""
        without = torch.zeros_like(self.worked_out)
        gain = _log_loss(memory, self.readout, without) - _log_loss(memory, self.readout, self.worked_out)
        self.better.append(gain.nan_to_num(0.0))
        self.trusted = torch.stack(list(self.better)).sum(0) >= 0
        units, wrong, weight = _told_wrong(memory, self.readout)
        lives = (-1, memory.lives)
        weighed = (weight[..., None] * units).unflatten(0, lives)
        self.gram = self.gram + torch.einsum("klnhf,klnhg->lfg", weighed, units.unflatten(0, lives))
        self.moment = self.moment + torch.einsum("klnhf,klnho->lfo", weighed, wrong.unflatten(0, lives))
        found = torch.linalg.solve(self.gram, self.moment).mT.to(without)
        self.worked_out = torch.cat((found, without[:, 2:]), dim=1)
        self.learned = torch.where(self.trusted[:, None, None], self.worked_out, without)


def _told_wrong(memory: Memory, readout: MotionReadout) -> tuple[Tensor, Tensor, Tensor]:
    """Units with a constant `[R,N,H,F+1]`, what velocity they lacked `[R,N,H,2]` m/s, and how much that weighs."""
    anchor = memory.anchor
    lag = (memory.steps.view(1, 1, -1, 1) * anchor.dt.view(-1, 1, 1, 1)).double()
    lag = lag * readout.brisk(anchor)[..., None, None]
    told = memory.motion(readout, None)
    wrong = rotate((memory.truth - told.position[:, 0]).double() / lag, -anchor.heading[..., None].double())
    units = torch.cat((memory.units[:, 0], torch.ones_like(memory.units[:, 0, ..., :1])), dim=-1).double()
    known = memory.known & anchor.oriented[..., None]
    count = known.unflatten(0, (-1, memory.lives)).sum((0, 2, 3)).clamp(min=1)
    weight = known * (lag[..., 0] / told.scale[:, 0]).square() / count.repeat(len(known) // memory.lives)[:, None, None]
    return units, torch.where(known[..., None], wrong, 0.0), weight


def _log_loss(memory: Memory, readout: MotionReadout, learned: Tensor) -> Float[Tensor, "L"]:
    motion = memory.motion(readout, learned)
    return memory.over_lives(surprisal(motion.position[:, 0], motion.scale[:, 0], memory.truth), memory.known)


@torch.no_grad()
def surprise(memory: Memory, readout: MotionReadout, learned: Tensor | None) -> tuple[Tensor, Tensor]:
    """How wrong each life's forecasts of those it met were: displacement (m) and negative log-density (nats), `[L]`."""
    motion = memory.motion(readout, learned)
    path, scale = motion.position[:, 0], motion.scale[:, 0]
    where = memory.known & memory.meets[..., None]
    far = (path - memory.truth).norm(dim=-1)
    return memory.over_lives(far, where), memory.over_lives(surprisal(path, scale, memory.truth), where)
