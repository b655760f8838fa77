"""The `reaction` suite: moments of held-out crowds go on under several plans; who knows what a plan does to people?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig
from rich.progress import track
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.probe_scores import Score, ratio_score
from jepa_social.evaluation.reaction import Changes, reaction_scores, walking, within_reach
from jepa_social.evaluation.reaction_figures import branches_figure, reaction_figure
from jepa_social.evaluation.results import Scores, merge_scores
from jepa_social.evaluation.statistics import Interval
from jepa_social.mind.world_model import WorldModel
from jepa_social.scene import Scene
from jepa_social.worlds.branches import Branching, branch_out
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.explore import Explorer
from jepa_social.worlds.nominal import nominal_paths
from jepa_social.worlds.scenarios import TRAINED

WITHHELD, COASTING = "plan withheld", "constant velocity"
NOMINAL, INFORMED = "nominal ORCA", "nominal ORCA, goals known"
REDRAWN = "simulator, traits redrawn"
"""What is left to know when all but people's hidden traits is known: the mean over traits drawn afresh."""
UNSEEN = "unseen"
"""All scenario types that the model was never trained on, taken together."""


@dataclass(frozen=True)
class Moment:
    """One frame of some episodes and how it went on under each of P plans; agent 0 is the ego.

    Attributes:
        now: B scenes up to the moment.
        runs: a batch of scenes a plan, the moment at frame `now.frames - 1`.
        seeds: of the episodes. names: of their scenarios.
        redrawn: `[B,P,N,H,2]` m, mean over runs in which everybody's hidden traits were drawn afresh.
    """

    now: Scene
    runs: list[Scene]
    seeds: list[int]
    names: list[str]
    redrawn: Tensor

    @property
    def truth(self) -> Tensor:
        """`[B,P,N,H,2]` m, where everybody came to."""
        return torch.stack([run.position[:, :, self.now.frames :] for run in self.runs], dim=1)

    @property
    def commands(self) -> Tensor:
        """`[B,P,H,2]` m/s, what the ego really did."""
        return torch.stack([run.velocity[:, 0, self.now.frames :] for run in self.runs], dim=1)


def score_reactions(run: Path, world_model: WorldModel, settings: DictConfig, suite: DictConfig, ours: str) -> None:
    """Branch held-out crowds, score every row's change and merge the scores into `run`, with two figures.

    Scores are those of `reaction_scores`, `branch_ade` (m, of the futures themselves under the plan that was taken) and
    `change_r2_<scenario>`; `change_r2_unseen` pools the scenarios that the model was never trained on, and
    `change_r2_soon` is over the first half of the steps.

    Raises:
        ValueError: `suite.reference` is no plan's name, `suite.redraws` is below 1, or nobody was within
            `suite.reach` at any moment.
    """
    world: Crowd = instantiate(suite.world)
    branching: Branching = instantiate(suite.branching)
    plans = [plan.name for plan in branching.plans]
    if suite.reference not in plans:
        raise ValueError(f"suite.reference={suite.reference} is none of the plans {plans}")
    if suite.redraws < 1:
        raise ValueError(f"suite.redraws={suite.redraws} must be at least 1")
    reference, absent = plans.index(suite.reference), [plan.absent for plan in branching.plans]
    first = suite.first_seed
    moments = branch_episodes(world, range(first, first + suite.episodes), suite.batch, branching, suite.redraws)
    rows: dict[str, list[Tensor]] = {}
    for moment in track(moments, description="imagining branches"):
        for name, paths in _rows(world_model, moment, absent, world, ours).items():
            rows.setdefault(name, []).append(paths)
    near = [within_reach(moment.now, suite.reach) for moment in moments]
    if not any(bool(one.any()) for one in near):
        raise ValueError(f"nobody was within suite.reach={suite.reach} m at any moment: raise it, or suite.episodes")
    truth, kinds = _changes(moments, [moment.truth for moment in moments], near, reference)
    trained = _trained_on(settings)
    types = list(dict.fromkeys(world.scenario_names()))
    groups = {kind: kinds == kind for kind in types}
    if unseen := [kind for kind in types if kind not in trained]:
        groups[UNSEEN] = np.isin(kinds, unseen)
    found: dict[str, dict[str, Score]] = {}
    changes: dict[str, Changes] = {}
    for name, paths in rows.items():
        changes[name] = _changes(moments, paths, near, reference)[0]
        found[name] = reaction_scores(changes[name], truth)
        found[name]["branch_ade"] = _ade(moments, paths, near)
        half = truth.change.shape[1] // 2
        found[name]["change_r2_soon"] = reaction_scores(changes[name].until(half), truth.until(half))["change_r2"]
        for group, chosen in groups.items():
            if chosen.any():
                part = reaction_scores(changes[name].where(chosen), truth.where(chosen))
                found[name][f"change_r2_{group}"] = part["change_r2"]
    scores: Scores = {name: {m: score.interval() for m, score in row.items()} for name, row in found.items()}
    merge_scores(run, suite.name, scores, {ours: _gaps(found, ours)})
    save(reaction_figure(changes[ours], truth, scores, types, unseen, ours), run / "figures" / f"{suite.name}.png")
    place, scene = _most_changed(moments, near, reference)
    shown = {plan: runs[scene] for plan, runs in zip(plans, moments[place].runs, strict=True)}
    picture = branches_figure(moments[place].now.frames, shown, rows[ours][place][scene], near[place][scene])
    save(picture, run / "figures" / f"{suite.name}_scene.png")


def branch_episodes(world: Crowd, seeds: Sequence[int], batch: int, branching: Branching, redraws: int) -> list[Moment]:
    """Run episodes with the exploring ego of the logs and branch them; moments after the ego's arrival are left out.

    Each moment is run `redraws` times more with other traits.
    """
    found, plans = [], branching.plans
    last = int(branching.within / world.dt + 1e-6)
    for start in track(range(0, len(seeds), batch), description="branching"):
        part = list(seeds[start : start + batch])
        scene = world.reset(part)
        explorer = Explorer(part, last, world.dt)
        drawn, names = [branching.draw(seed, world.dt) for seed in part], world.scenario_names()
        for frame in range(1, last + 1):
            scene = world.step(explorer.act(scene))
            due = [place for place, mine in enumerate(drawn) if frame in mine and not world.arrived[place]]
            if due:
                runs = branch_out(world, plans, branching.before, branching.after, due)
                mean = torch.zeros(())
                for draw in range(redraws):
                    other = world.branch(1, due)
                    other.redraw_traits(draw)
                    paths = [one.position[:, :, 1:] for one in branch_out(other, plans, 1, branching.after)]
                    mean = mean + torch.stack(paths, dim=1) / redraws
                now = world.scene(branching.before)[due]
                found.append(Moment(now, runs, [part[place] for place in due], [names[place] for place in due], mean))
    return found


@torch.no_grad()
def imagine_branches(world_model: WorldModel, moment: Moment, absent: Sequence[bool], told: bool = True) -> Tensor:
    """Imagined positions `[B,P,N,H,2]` m under each plan; if not `told`, the model knows only whether there is an ego.

    An absent ego is taken out of the last frame that the model sees, as it is in the logs of branches.
    """
    jepa, commands = world_model.jepa, moment.commands
    horizon = commands.shape[2]
    anchor = jepa.encode(moment.now).at()
    imagined = jepa.imagine(anchor, commands if told else None, horizon)
    paths = world_model.motion(anchor, imagined).position.expand(-1, len(absent), -1, -1, -1).clone()
    if any(absent):
        gone = moment.now.clone(False)
        gone.present = moment.now.present.clone()
        gone.present[:, 0, -1] = False
        gone.ego = torch.full_like(gone.ego, -1)
        anchor = jepa.encode(gone).at()
        paths[:, list(absent)] = world_model.motion(anchor, jepa.imagine(anchor, horizon=horizon)).position
    return paths


def _rows(world_model: WorldModel, moment: Moment, absent: list[bool], world: Crowd, ours: str) -> dict[str, Tensor]:
    """Positions `[B,P,N,H,2]` m that each row predicts."""
    now, commands = moment.now, moment.commands
    scenes, plans, horizon, _ = commands.shape
    lag = torch.arange(1, horizon + 1) * now.dt[:, None, None]
    coast = now.position[:, :, -1, None] + now.velocity[:, :, -1, None] * lag[..., None]
    many = now[torch.arange(scenes).repeat_interleave(plans)]
    gone = torch.tensor(absent).repeat(scenes)
    assert now.truth is not None, "a crowd tells its people's goals"
    goals = now.truth["goal"].repeat_interleave(plans, 0)
    return {
        ours: imagine_branches(world_model, moment, absent),
        WITHHELD: imagine_branches(world_model, moment, absent, told=False),
        COASTING: coast[:, None].expand(-1, plans, -1, -1, -1),
        NOMINAL: nominal_paths(many, commands.flatten(0, 1), gone, world.population).unflatten(0, (scenes, plans)),
        INFORMED: nominal_paths(many, commands.flatten(0, 1), gone, world.population, goals).unflatten(
            0, (scenes, plans)
        ),
        REDRAWN: moment.redrawn,
    }


def _changes(
    moments: list[Moment], paths: list[Tensor], near: list[Tensor], reference: int
) -> tuple[Changes, np.ndarray]:
    """The change of everybody within reach under every plan but the reference, and the scenario of each."""
    change, ahead, episode, kinds = [], [], [], []
    for moment, path, close in zip(moments, paths, near, strict=True):
        others = [plan for plan in range(path.shape[1]) if plan != reference]
        who, person = close.nonzero(as_tuple=True)
        one = (path[:, others] - path[:, [reference]])[who, :, person]
        change.append(one.flatten(0, 1))
        ahead.append(walking(moment.now)[who, person].repeat_interleave(len(others), 0))
        place = who.repeat_interleave(len(others)).numpy()
        episode.append(np.array(moment.seeds)[place])
        kinds.append(np.array(moment.names)[place])
    return Changes(torch.cat(change), torch.cat(ahead), np.concatenate(episode)), np.concatenate(kinds)


def _ade(moments: list[Moment], paths: list[Tensor], near: list[Tensor]) -> Score:
    """Mean displacement (m) from what came, over plans, steps and people within reach."""
    off, episode = [], []
    for moment, path, close in zip(moments, paths, near, strict=True):
        who, person = close.nonzero(as_tuple=True)
        off.append((path - moment.truth).norm(dim=-1).mean(-1)[who, :, person].mean(1))
        episode.append(np.array(moment.seeds)[who.numpy()])
    error = torch.cat(off).double().numpy()
    return ratio_score(error, np.ones(len(error)), np.concatenate(episode))


def _trained_on(settings: DictConfig) -> list[str]:
    """Names of the scenarios that the run's logs were made of; none for logs of another kind."""
    source = settings.data.source
    if "SimulatedLogs" not in source.get("_target_", ""):
        return []
    listed = source.get("scenarios")
    return [one.name for one in TRAINED] if listed is None else [get_object(one["_target_"]).name for one in listed]


def _gaps(found: dict[str, dict[str, Score]], ours: str) -> dict[str, dict[str, Interval]]:
    """Metric to row to ours minus the row."""
    return {
        m: {name: score.minus(row[m]) for name, row in found.items() if name != ours}
        for m, score in found[ours].items()
    }


def _most_changed(moments: list[Moment], near: list[Tensor], reference: int) -> tuple[int, int]:
    """The moment and scene in which plans made the greatest difference to somebody within reach, of the upper tenth.

    The very greatest is an accident; the scene at the ninth decile is telling.
    """
    size, where = [], []
    for place, (moment, close) in enumerate(zip(moments, near, strict=True)):
        change = (moment.truth - moment.truth[:, [reference]])[..., -1, :].norm(dim=-1).amax(1) * close
        size += change.amax(1).tolist()
        where += [(place, scene) for scene in range(len(change))]
    return where[int(np.argsort(size)[int(0.9 * (len(size) - 1))])]
