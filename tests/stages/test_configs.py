"""Every choice that the configs offer can be made: it instantiates, and what it builds works together."""

from dataclasses import fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.planning.build import constant_velocity_planner, jepa_planner
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.optim import Schedule
from jepa_social.stages.pretrain import Pretrain
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import CROWDNAV, Traits
from jepa_social.worlds.scenarios import HELD_OUT, TRAINED
from tests.conftest import random_scene
from tests.planning.strolls import street, world_model
from tests.stages.runs import CONFIGS, CROWD, TINY, composed


def choices(group: str) -> list[str]:
    found = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
    assert found, f"configs/{group} is empty"
    return found


def walkers(recordings: int = 6, people: int = 3, frames: int = 40) -> np.ndarray:
    """Rows of (recording, frame, person, x, y) of people who stroll at 2.5 Hz."""
    chance = np.random.default_rng(0)
    velocity = chance.normal(size=(recordings, people, 1, 2)) + 0.1 * chance.normal(
        size=(recordings, people, frames, 2)
    )
    position = 5 * chance.normal(size=(recordings, people, 1, 2)) + 0.4 * velocity.cumsum(2)
    index = np.stack(np.meshgrid(*map(np.arange, (recordings, people, frames)), indexing="ij"), -1)
    rows = np.concatenate((index[..., [0, 2, 1]], position), -1).transpose(0, 2, 1, 3)
    return rows.reshape(-1, 5)


@pytest.fixture
def sources(tmp_path, real_or_none) -> dict[str, list[str]]:
    """Overrides that point each data config at a few logs in its own format."""
    rows = walkers()
    table = "scene,time,agent,x,y\n" + "".join(f"r{int(r)},{0.4 * f:.1f},{int(p)},{x},{y}\n" for r, f, p, x, y in rows)
    (tmp_path / "table.csv").write_text(table)
    drone = tmp_path / "sdd" / "Train" / "stanford"
    drone.mkdir(parents=True)
    for recording in range(6):
        lines = [f"{int(12 * f)} {int(p)} {x:.3f} {y:.3f}\n" for r, f, p, x, y in rows if r == recording]
        (drone / f"r{recording}.txt").write_text("".join(lines))
    kind = np.array(["ped", "veh"])[(rows[:, 2] == 0).astype(int)]
    names = ("clip", "frame", "id", "x_est", "y_est")
    columns = dict(zip(names, (rows * [1, 0.4 * 29.97, 1, 1, 1]).T, strict=True)) | {"label": kind}
    columns |= {"clip": rows[:, 0].astype(str)}
    pq.write_table(pa.table(columns), tmp_path / "tracks.parquet")
    made = [override for override in CROWD if not override.startswith("experiment")]
    return {
        "simulated": [*made, f"data.root={tmp_path}"],
        "table": [f"data.source.path={tmp_path / 'table.csv'}", "data.source.scene=scene"],
        "citr": [f"data.root={tmp_path}", "data.source.test=0.0"],
        "trajnet": [f"data.root={tmp_path / 'sdd'}"],
        "eth_ucy": [f"data.root={real_or_none}", "data.fold=hotel"],
        "village": [f"data.root={tmp_path}", "data.source.episodes=12", "data.source.val=0.2"],
    }


@pytest.fixture
def real_or_none(request) -> Path | None:
    """ETH/UCY, asked for only by the test that needs it."""
    wanted = "eth_ucy" in str(request.node.callspec.params.values())
    return request.getfixturevalue("real_data") / "eth_ucy" if wanted else None


def first_batch(config) -> Scene:
    data = instantiate(config.data.module)
    for batch in data.train_dataloader():
        return batch
    raise AssertionError("no batch")


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_every_experiment_trains_a_step(experiment, sources, tmp_path):
    data = composed("train", f"experiment={experiment}", f"run={tmp_path}", *_needed(experiment))
    group = next(name for name in sources if _target(name) == data.data.source._target_)
    config = composed(
        "train", f"experiment={experiment}", *TINY, *sources[group], f"data.module.cache_dir={tmp_path / 'cache'}",
        f"run={tmp_path / 'run'}",
    )  # fmt: skip
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    objective = instantiate(config.objective)
    module = Pretrain(
        SocialJEPA(ModelConfig.of(config.model), teacher=objective.momentum is not None),
        objective,
        instantiate(config.pretrain.schedule),
        instantiate(config.augment),
        horizon=config.pretrain.horizon,
        starts=config.pretrain.starts,
        free=config.pretrain.free,
    )
    batch = first_batch(config)
    assert batch.frames == config.data.module.observed + config.data.module.future
    assert module.terms(module.augment(batch))[0].total.isfinite()
    planners = (jepa_planner(world_model(), config.planner), constant_velocity_planner(config.planner, 0.25))
    scene = street([(3.0, 0.2, 0.0, 0.0)])
    for planner in planners:
        assert planner.act(scene).shape == (1, 2)


def _needed(experiment: str) -> list[str]:
    return ["data.source.path=unused"] if experiment in ("table", "logs") else []


def _target(group: str) -> str:
    return OmegaConf.load(CONFIGS / "data" / f"{group}.yaml").source._target_


@pytest.mark.parametrize("data", choices("data"))
def test_every_data_config_gives_batches(data, sources, tmp_path):
    if data == "logs":
        made = composed("train", "data=simulated", *sources["simulated"])
        instantiate(made.data.source)
        sources["logs"] = [f"data.source.path={next((tmp_path / 'simulated').glob('*.parquet'))}"]
    cache = f"data.module.cache_dir={tmp_path / 'cache'}"
    batch = first_batch(composed("train", f"data={data}", *sources[data], cache))
    assert batch.frames == (16 if data == "village" else 20)
    assert batch.present.any()


@pytest.mark.parametrize("mixture", choices("pretrain_on"))
def test_every_mixture_gives_batches_beside_the_data_of_the_run(mixture, sources, tmp_path, real_data):
    members = [override.split("=", 1)[1] for override in sources["trajnet"]]
    config = composed(
        "train", "data=eth_ucy", f"data.root={real_data / 'eth_ucy'}", "data.fold=univ", "data.val_scene=hotel",
        f"data.module.cache_dir={tmp_path / 'cache'}", f"pretrain_on={mixture}",
        f"pretrain.source.sources.sdd.root={members[0]}", f"pretrain.source.sources.simulated.folder={tmp_path}",
        "pretrain.source.sources.simulated.episodes=6",
    )  # fmt: skip
    assert config.pretrain.epochs > 0
    data = instantiate(config.data.module)
    mixed = data.with_source(instantiate(config.pretrain.source))
    windows = mixed.windows("train")
    assert {name.split("/")[0] for name in windows.recordings} == {"eth_ucy", "sdd", "simulated"}
    used = {name.removeprefix("eth_ucy/") for name in windows.recordings if name.startswith("eth_ucy/")}
    assert used == {recording.name for recording in data.source.recordings("train")}
    assert not any("students" in name or "hotel" in name for name in used)
    assert next(iter(mixed.train_dataloader())).frames == 20


REFERENCES = ("supervised", "untrained")
OBJECTIVES = [name for name in choices("objective") if name not in REFERENCES]


@pytest.mark.parametrize("objective", REFERENCES)
@pytest.mark.parametrize("experiment", ["eth_ucy", "crowd"])
def test_a_reference_is_not_pretrained_whatever_the_experiment(objective, experiment):
    """A reference that silently composed into the default would make every comparison with it a fraud."""
    config = composed("train", f"objective={objective}", f"experiment={experiment}")
    assert config.objective is None
    assert config.readout.frozen == (objective == "untrained")


@pytest.mark.parametrize("size", choices("model"))
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_size_learns_from_every_objective(size, objective):
    learns(composed("train", f"model={size}", f"objective={objective}"))


@pytest.mark.parametrize("masking", choices("masking"))
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("rollout", ["true", "false"])
def test_every_objective_learns_under_every_masking(objective, masking, rollout):
    learns(composed("train", *TINY, f"objective={objective}", f"masking={masking}", f"pretrain.rollout={rollout}"))


def test_every_term_of_vicreg_learns():
    learns(composed("train", *TINY, "objective=vicreg", "objective.inverse=0.1", "objective.similarity=0.1"))


def test_a_readout_has_a_masking_of_its_own():
    config = composed("train", "masking=agents", "masking@readout.masking=time")
    assert instantiate(config.masking).agents > 0 == instantiate(config.readout.masking).agents
    assert instantiate(config.readout.masking).time > 0 == instantiate(config.masking).time
    assert not instantiate(composed("train").masking).hides


def learns(config) -> None:
    """One optimiser step changes everything that it should and lowers the loss of the same draws."""
    torch.manual_seed(0)
    objective = instantiate(config.objective)
    model = SocialJEPA(ModelConfig.of(config.model), teacher=objective.momentum is not None)
    module = Pretrain(
        model, objective, Schedule(lr=1e-5, warmup=0.0), Augment(), horizon=3, rollout=config.pretrain.rollout,
        masking=instantiate(config.masking),
    )  # fmt: skip
    module._trainer = SimpleNamespace(estimated_stepping_batches=1)
    optimizer = module.configure_optimizers()["optimizer"]
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(trained) == len({id(p) for p in trained})
    assert {id(p) for p in trained} == {id(p) for p in module.parameters() if p.requires_grad}
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        terms, latents = module.terms(random_scene(batch=4, agents=4, frames=8), corrupt=True)
        losses.append(float(terms.total))
        optimizer.zero_grad()
        terms.total.backward()
        assert latents.shape[1] == config.model.width
        assert [name for name, p in module.named_parameters() if p.requires_grad and p.grad is None] == []
        assert all(p.grad.isfinite().all() for p in trained)
        optimizer.step()
    assert losses[1] < losses[0]


def test_the_dial_of_sizes_turns_the_right_way():
    sizes = [SocialJEPA(ModelConfig(**composed("train", f"model={size}").model)) for size in ("tiny", "small", "base")]
    counts = [sum(p.numel() for p in model.parameters()) for model in sizes]
    assert counts == sorted(counts)
    assert len(set(counts)) == 3


@pytest.mark.parametrize("suite", choices("suite"))
def test_every_suite_names_policies_and_a_world_that_exist(suite, scene):
    config = composed("eval", "run=unused", f"suite={suite}").suite
    policies = {} if config.get("kind") == "forecast" else config.get("baselines") or {}  # forecasts: a flag
    for baseline in policies.values():
        policy = instantiate(baseline)
        policy.reset()
        assert policy.act(scene).shape == (3, 2)
    if "world" in config:
        world = instantiate(config.world)
        assert isinstance(world, Crowd)
        world.reset(range(config.first_seed, config.first_seed + len(config.world.scenario)))
        assert len(set(world.scenario_names())) == len(config.world.scenario), "every scenario has its turn"


@cache
def suite_of(name: str) -> DictConfig:
    return composed("eval", "run=unused", f"suite={name}").suite


def test_suites_have_seeds_of_their_own():
    """No log was made with them, nothing is chosen on them (2,000,000 and on), and no two suites share one."""
    trained = composed("train", "experiment=crowd").data.source
    assert "scenarios" not in trained, "the types that are held out stay out of logs"
    used = [range(trained.seed, trained.seed + trained.episodes), range(2_000_000, 3_000_000)]
    for name in choices("suite"):
        suite = suite_of(name)
        if "world" not in suite or "episodes" not in suite:
            continue
        least = {"crowd": 200, "reaction": 200}.get(name, 500)  # those of `reaction` are branched many times
        assert suite.episodes >= least, name
        seeds = range(suite.first_seed, suite.first_seed + suite.episodes)
        assert not [other for other in used if seeds[0] < other[-1] and other[0] < seeds[-1]], name
        used.append(seeds)


def test_a_suite_is_made_of_the_types_that_are_held_out():
    made = instantiate(suite_of("held_out").world)
    assert made.scenarios == HELD_OUT
    others = [suite_of(name) for name in choices("suite") if name != "held_out"]
    elsewhere = {one for suite in others if "world" in suite for one in instantiate(suite.world).scenarios}
    assert not elsewhere & set(HELD_OUT)
    assert {scenario.name for scenario in elsewhere} == {scenario.name for scenario in TRAINED}


def test_the_standard_circle_has_crowdnavs_people():
    world = instantiate(composed("eval", "run=unused", "suite=circle", "suite.people=10").suite.world)
    assert world.people == (10, 10)
    drawn = [population.sample(np.random.default_rng(0), 6) for population in (world.population, CROWDNAV)]
    for trait in fields(Traits):
        np.testing.assert_array_equal(*(getattr(traits, trait.name) for traits in drawn), err_msg=trait.name)
    assert (world.population.horizon, world.population.neighbor_dist) == (CROWDNAV.horizon, CROWDNAV.neighbor_dist)
    assert (world.dt, world.limit_s, world.ego_speed, world.ego_radius, world.visible) == (0.25, 25.0, 1.0, 0.3, False)
    names = {composed("eval", "run=unused", "suite=circle", f"suite.people={n}").suite.name for n in (5, 10, 20)}
    assert len(names) == 3, "each keeps results of its own"
