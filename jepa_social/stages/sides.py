"""The closed loop in crowds: pretrained among people who pass on the right, met by people who pass on the left."""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import Progress
from safetensors.torch import save as save_weights
from torch import Tensor

from jepa_social.evaluation.disturbance import disturbances, undisturbed
from jepa_social.evaluation.episodes import Episodes, absent
from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.scores import Columns, summarise
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.results import merge_scores
from jepa_social.evaluation.runner import run_episodes
from jepa_social.evaluation.sides_figure import sides_figure
from jepa_social.files import with_draft
from jepa_social.mind.lessons import Lessons, Memory, look_back, surprise
from jepa_social.mind.motion import MotionReadout
from jepa_social.mind.world_model import WorldModel
from jepa_social.planning.build import jepa_planner
from jepa_social.planning.habits import Patient
from jepa_social.planning.taught import Taught
from jepa_social.scene import Scene
from jepa_social.worlds.explore import Explorer
from jepa_social.worlds.simulated import VERSION as CROWDS

WALKED = ("success", "navigation_time", "minimum_distance", "discomfort", "personal_space")
SELF, PEOPLE, PATIENT, EXPLORER = "self", "people", "patient", "explorer"
"""Whose runs are learned from."""
VERSION = 1
"""Raise it with every change after which the same settings give other lives: of planners, of what is learned from
encounters, of what is measured. Lives kept in a run are then lived again; so they are when crowds change (`CROWDS`)."""
ENCOUNTER = 1000
"""Seeds between one encounter of all lives and the next."""


@dataclass(frozen=True)
class SidesRow:
    """One way to learn, or not.

    Attributes:
        reads: whose runs are learned from.
        learns: from anything at all.
        compares: with what happened; otherwise with what was expected.
        home: among people as those of the logs.
    """

    reads: str = SELF
    learns: bool = True
    compares: bool = True
    home: bool = False


@dataclass
class Lives:
    """L lives of one row, an entry an encounter; the probe is asked before the first too.

    Attributes:
        walked: metric of the walk to `[L]`.
        probed: displacement (m) and negative log-density (nats) on the probe, `[L]` each.
        learned: in the end.
    """

    walked: list[dict[str, Tensor]] = field(default_factory=list)
    probed: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    learned: Tensor | None = None


def score_sides(run: Path, world_model: WorldModel, settings: DictConfig, suite: DictConfig, ours: str) -> None:
    """Encounter after encounter, many lives of every row meet the same people; each is scored before it learns of it.

    Rows besides ours (it walks, compares, and corrects its forecasts):

    - no update: the frozen model;
    - no comparison: corrected as if what it expected had happened;
    - readers, who learn as ours does, from as many logs of other egos among these people: of the people with one
      another, of a robot that always waits until all have passed, of one that tries out much (as in the logs);
    - at home: the frozen model among people as it knows them.

    Scores of the later half of all encounters and a figure are merged into `run`. Lives are kept there row by row, so
    that an interrupted measurement goes on where it stopped.
    """
    rows = {
        ours: SidesRow(),
        f"{ours}, no update": SidesRow(learns=False),
        f"{ours}, no comparison": SidesRow(compares=False),
        "reader of people": SidesRow(PEOPLE),
        "reader of the patient": SidesRow(PATIENT),
        "reader of an explorer": SidesRow(EXPLORER),
        "at home": SidesRow(learns=False, home=True),
    }
    world_model = deepcopy(world_model).requires_grad_(False)
    weights = hashlib.blake2b(save_weights(dict(world_model.state_dict())), digest_size=8).hexdigest()
    probe, home, familiar = (
        _walks(world_model, settings, suite, world, place)
        for place, world in enumerate((suite.world, suite.home, suite.home))
    )
    lives: dict[str, Lives] = {}
    with Progress() as bar:
        task = bar.add_task("meeting people", total=len(rows) * suite.encounters)
        for name, row in rows.items():
            kept = run / "evaluation" / f"{suite.name}_{name.replace(' ', '_').replace(',', '')}.pt"
            known_by = f"{row}\n{weights}\n{OmegaConf.to_yaml(suite)}\n{OmegaConf.to_yaml(settings.planner)}"
            lives[name] = _once(
                kept,
                known_by,
                partial(_live, name, row, world_model, settings, suite, home if row.home else probe, familiar),
            )
            bar.advance(task, suite.encounters)
    found = {name: _columns(life, world_model.motion, home) for name, life in lives.items()}
    scores, gaps = summarise(found, ours, {})
    merge_scores(run, suite.name, scores, gaps)
    save(
        sides_figure({name: _curves(life) for name, life in lives.items()}, ours), run / "figures" / f"{suite.name}.png"
    )


def _once(path: Path, known_by: str, live: Callable[[], Lives]) -> Lives:
    """What was lived before with the same settings by the same code (see `VERSION`), or now."""
    known_by = f"{VERSION} {CROWDS}\n{known_by}"
    if path.is_file():
        kept = torch.load(path, weights_only=False)
        if kept["known_by"] == known_by:
            return kept["life"]
    life = live()
    with_draft(path, lambda draft: torch.save({"known_by": known_by, "life": life}, draft))
    return life


def _live(
    name: str,
    row: SidesRow,
    world_model: WorldModel,
    settings: DictConfig,
    suite: DictConfig,
    probe: Memory,
    familiar: Memory,
) -> Lives:
    readout = deepcopy(world_model.motion)
    taught = deepcopy(world_model)
    taught.motion = readout
    world = instantiate(suite.home if row.home else suite.world)
    planner = jepa_planner(taught, settings.planner, name)
    lessons = Lessons(world_model.motion, suite.lives, familiar, suite.doubt)
    chance = torch.Generator().manual_seed(suite.first_seed)
    life = Lives()
    for encounter in range(suite.encounters):
        if row.learns or not life.probed:
            told = _probed(probe, world_model.motion, lessons.learned)
        life.probed.append(told)
        first = suite.first_seed + ENCOUNTER * encounter
        seeds = range(first, first + suite.lives)
        episodes = run_episodes(world, Taught(planner, readout, lessons.learned), seeds, suite.lives)
        memory = look_back(world_model, episodes.scene)
        far, nats = surprise(memory, world_model.motion, lessons.learned)
        life.walked.append(
            _walked(episodes, suite.home if row.home else suite.world) | {"met_surprise": far, "met_nats": nats}
        )
        if not row.learns:
            continue
        if row.reads != SELF:
            memory = look_back(world_model, _log(row.reads, suite, seeds))
        elif not row.compares:
            memory = _as_expected(memory, world_model.motion, lessons.learned, chance)
        lessons.learn(memory)
    life.probed.append(_probed(probe, world_model.motion, lessons.learned))
    life.learned = lessons.learned
    return life


def _log(reads: str, suite: DictConfig, seeds: range) -> Scene:
    """Whole runs of somebody else among these people; of the people alone, nobody is in the ego's place."""
    world = instantiate(suite.among_themselves if reads == PEOPLE else suite.world)
    frames = 1 + round(suite.seconds / world.dt)
    if reads == PEOPLE:
        run = undisturbed(world, seeds, frames)
        ego = torch.arange(run.agents) == run.ego[:, None]
        run = absent(run, ego[..., None].expand_as(run.present))
        run.ego = torch.full_like(run.ego, -1)
        return run
    ego = Patient() if reads == PATIENT else Explorer(seeds, frames, world.dt)
    scene = world.reset(seeds)
    for _ in range(frames - 1):
        scene = world.step(ego.act(scene))
    return world.history()


def _as_expected(memory: Memory, readout: MotionReadout, learned: Tensor, chance: torch.Generator) -> Memory:
    """As if it had happened as it was expected: a draw from the forecast."""
    motion = memory.motion(readout, learned)
    path, scale = motion.position[:, 0], motion.scale[:, 0]
    error = torch.randn(*path.shape[:2], 1, 2, generator=chance).to(path)
    return replace(memory, truth=path + scale[..., None] * error)


def _walks(world_model: WorldModel, settings: DictConfig, suite: DictConfig, world: DictConfig, place: int) -> Memory:
    """Encounters that no row chose: walks of the planner as it was, on seeds of their own for each `place`."""
    first = suite.first_seed + ENCOUNTER * (suite.encounters + place)
    planner = jepa_planner(world_model, settings.planner)
    run = run_episodes(instantiate(world), planner, range(first, first + suite.probed), suite.probed)
    return look_back(world_model, run.scene)


def _probed(probe: Memory, readout: MotionReadout, learned: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the probe's episodes, `[L]` each."""
    told = [surprise(probe, readout, one.expand(probe.lives, -1, -1)) for one in learned]
    far, nats = (torch.stack([values.nanmean() for values in part]) for part in zip(*told, strict=True))
    return far, nats


def _walked(episodes: Episodes, world: DictConfig) -> dict[str, Tensor]:
    columns = navigation(episodes).columns()
    cost = disturbances(instantiate(world, visible=False), [episodes])[episodes.policy]
    return {name: columns[name] for name in WALKED} | {k: torch.tensor(cost[k]) for k in ("delay", "deviation")}


def _columns(life: Lives, readout: MotionReadout, home: Memory) -> Columns:
    """One number a life: the probe in the end, the later half of the walks, what is foretold of people at home now."""
    late = life.walked[len(life.walked) // 2 :]
    columns = {name: torch.stack([one[name].double() for one in late]).nanmean(0).numpy() for name in late[0]}
    assert life.learned is not None
    for name, (far, nats) in (("probe", life.probed[-1]), ("home", _probed(home, readout, life.learned))):
        columns |= {f"{name}_surprise": far.double().numpy(), f"{name}_nats": nats.double().numpy()}
    return columns


def _curves(life: Lives) -> dict[str, np.ndarray]:
    """Against encounters met before, `[K,L]`."""
    curves = {name: np.stack([one[name].double().numpy() for one in life.walked]) for name in life.walked[0]}
    return curves | {"probe_surprise": np.stack([far.double().numpy() for far, _ in life.probed])}
