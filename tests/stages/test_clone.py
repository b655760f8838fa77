"""Behaviour cloning: whom it learns from, that it learns, and how a run gets its prior."""

import json

import pytest
import torch

import jepa_social
from jepa_social.planning.plans import Plans
from jepa_social.planning.prior import FILE, Prior
from jepa_social.scene import KINDS, Scene
from jepa_social.stages.clone import Clone
from jepa_social.stages.optim import Schedule
from jepa_social.stages.suites import evaluate
from jepa_social.stages.training import train
from tests.conftest import random_scene
from tests.planning.strolls import SMALL, world_model
from tests.stages.runs import composed, crowd

FRAMES, AHEAD = 30, 20


def stage(**settings) -> Clone:
    prior = Prior(SMALL.width, Plans(3, 12))
    return Clone(prior, world_model(), Schedule(), **{"ahead": AHEAD, **settings})


def swerving(batch: int = 16, seed: int = 0) -> Scene:
    """A person and a robot meet head on; the person always swerves to its right, the robot never."""
    time = torch.arange(FRAMES) * 0.25
    chance = torch.Generator().manual_seed(seed)
    aside = 0.4 + 0.2 * torch.rand(batch, 1, generator=chance)
    bump = torch.exp(-((time - 3.0) ** 2))
    one = torch.stack((time.expand(batch, -1) - 3.0, -aside * bump), dim=-1)
    two = torch.stack((3.0 - time.expand(batch, -1), torch.zeros(batch, FRAMES)), dim=-1)
    return Scene.from_arrays(torch.stack((one, two), dim=1), 0.25, kind=[0, KINDS.index("robot")])


def test_only_people_who_go_somewhere_and_stay_are_cloned():
    scene, clone = random_scene(batch=3, agents=5, frames=FRAMES, gaps=False), stage()
    scene.kind[:, 1] = KINDS.index("robot")
    scene.velocity[:, 2] = 0.01
    scene.present[:, 3, -1] = False
    drawn = [clone.draw(scene, torch.rand(3, 5, generator=torch.Generator().manual_seed(i))) for i in range(40)]
    assert {int(ego) for egos, _ in drawn for ego in egos} == {0, 4}
    assert all(known.all() for _, known in drawn)
    scene.velocity[:] = 0.0
    assert not clone.draw(scene, torch.rand(3, 5))[1].any()
    robots = stage(robots=True)
    scene.velocity[:, 1, :, 0] = 1.0
    assert robots.draw(scene, torch.rand(3, 5))[0].tolist() == [1, 1, 1]


def test_examples_are_what_the_ego_did_and_know_nothing_of_later_frames():
    scene, clone = swerving(), stage(ego_kind="robot")
    egos = torch.zeros(len(scene), dtype=torch.long)
    anchor, aim, speed, plan = clone.examples(scene, egos)
    torch.testing.assert_close(aim, scene.position[:, 0, -1])
    now = FRAMES - 1 - AHEAD
    assert torch.equal(anchor.position, scene.position[:, :, now])
    changed = scene.clone()
    changed.position[:, 1, now + 1 :] += 3.0
    changed.velocity[:, 1, now + 1 :] += 1.0
    assert torch.equal(clone.examples(changed, egos)[0].state, anchor.state)
    plans, axes = clone.prior.plans, torch.eye(2).expand(len(scene), 2, 2)
    commands = plans.actions(plan[:, None], axes, speed)[:, 0]
    did = scene.velocity[:, 0, now + 1 : now + 13]
    assert (commands - did).norm(dim=-1).mean() < 0.15, "three knots hold a swerve to that"
    with pytest.raises(ValueError, match=r"clone\.ahead=5 must be at least the 12 steps of planner\.mpc\.horizon"):
        stage(ahead=5)


def test_cloning_learns_to_swerve_as_people_do():
    """On crowds not seen in training its plan is nearer to what people do than going straight."""
    torch.manual_seed(0)
    clone, test = stage(), swerving(seed=9)
    egos, known = clone.draw(test, torch.rand(len(test), 2))
    assert (egos == 0).all(), "robots are no example"
    nll, straight = (float(value) for value in clone.judge(test, egos, known))
    optimizer = torch.optim.Adam(clone.prior.parameters(), lr=1e-2)
    for step in range(80):
        loss, _ = clone.judge(batch := swerving(seed=100 + step), *clone.draw(batch, torch.rand(16, 2)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    learned, error = (float(value) for value in clone.judge(test, egos, known))
    assert error < 0.5 * straight, (error, straight)
    assert learned < nll - 0.5
    assert all(parameter.grad is None for parameter in clone.world_model.parameters())


@pytest.fixture(scope="module")
def with_prior(data_root, tmp_path_factory):
    """A run that got its prior after it was finished."""
    folder = tmp_path_factory.mktemp("runs") / "cloned"
    short = ("pretrain.epochs=1", "+trainer.limit_train_batches=2", "+trainer.limit_val_batches=1")
    run = train(crowd(data_root, folder, *short))
    assert not (run / FILE).exists()
    before = (run / "model.safetensors").read_bytes()
    train(crowd(data_root, folder, *short, "clone.epochs=1", "clone.ahead=20"))
    assert (run / "model.safetensors").read_bytes() == before
    return run, (data_root, folder, *short)


def test_a_finished_run_gets_a_prior_and_keeps_it(with_prior):
    run, (root, folder, *short) = with_prior
    told = (run / FILE).read_bytes()
    train(crowd(root, folder, *short, "clone.epochs=1", "clone.ahead=20"))
    assert (run / FILE).read_bytes() == told, "a finished stage only loads its weights"
    curves = (run / "clone" / "metrics.csv").read_text().splitlines()[0]
    assert {"val/clone_nll", "val/clone_error"} <= set(curves.split(","))
    with pytest.raises(ValueError, match="was written with other settings"):
        train(crowd(root, folder, *short, "clone.epochs=1", "clone.ahead=21"))


def test_behaviour_cloning_is_a_row_and_any_solver_may_be_advised(with_prior):
    run, _ = with_prior
    few = ("suite=crowd", "suite.episodes=2", "suite.batch=2", "+suite.world.limit=2.0")
    evaluate(composed("eval", f"run={run}", *few, "solver@planner.solver=gradient", "+planner.prior=true"))
    rows = json.loads((run / "results.json").read_text())["crowd"]
    assert {"jepa", "constant-velocity MPC", "straight line", "behaviour cloning"} <= set(rows)
    assert all(row["success"]["n"] == 2 for row in rows.values())


def test_a_policy_is_loaded_with_its_prior(with_prior):
    run, _ = with_prior
    assert jepa_social.load_policy(run).prior is None
    config = run / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("prior: false", "prior: true"))
    try:
        policy = jepa_social.load_policy(run)
        assert isinstance(policy.prior, Prior)
        assert policy.act(random_scene(frames=9)).isfinite().all()
    finally:
        config.write_text(text)
