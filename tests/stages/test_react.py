"""Fitting the reaction to plans: what it may touch, that it learns, and that pasts encoded once change nothing."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from jepa_social.stages.contrast import ROBOT, contrast, find_siblings
from jepa_social.stages.futures import displacement, over_agents
from jepa_social.stages.optim import Schedule
from jepa_social.stages.react import FitReaction
from jepa_social.stages.training import train
from tests.stages.runs import CROWD, TINY, composed

OBSERVED, FUTURE = 8, 12
BRANCHED = [
    *(setting for setting in CROWD if not setting.startswith("experiment")), *TINY, "experiment=reactive",
    "data.source.branching.moments=1", "data.module.future=12", "model.walls=0", "reaction.epochs=2",
]  # fmt: skip


@pytest.fixture
def stage() -> FitReaction:
    torch.manual_seed(0)
    size = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8)
    model = WorldModel(SocialJEPA(size), 0.25, FUTURE)
    torch.nn.init.normal_(model.motion.out[-1].weight, std=0.1)  # pyright: ignore[reportArgumentType]
    return FitReaction(model, Schedule(lr=1e-2, warmup=0.0, floor=1.0), FUTURE)


def fit(stage: FitReaction, scene: Scene, steps: int) -> list[float]:
    stage.trainer = SimpleNamespace(estimated_stepping_batches=steps)  # pyright: ignore[reportAttributeAccessIssue]
    optimizer = stage.configure_optimizers()["optimizer"]
    losses = []
    for _ in range(steps):
        differ, astray, _ = stage.terms(scene)
        optimizer.zero_grad()
        (differ + stage.displacement * astray).backward()
        optimizer.step()
        losses.append(float(differ.detach()))
    return losses


def test_differences_are_learned_and_forecasts_without_a_plan_stay_to_the_last_bit(stage, branches):
    scene, model = branches.batch(range(len(branches))), stage.world_model
    past, before = scene.between(0, OBSERVED), deepcopy(model.state_dict())
    forecast, futures = model.forecast(past), model.sample(past)
    losses = fit(stage, scene, 60)
    assert losses[-1] < 0.8 * losses[0]
    assert torch.equal(model.forecast(past), forecast)
    assert torch.equal(model.sample(past), futures)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    reaction = {id(parameter) for parameter in model.jepa.predictor.reaction_parameters()}
    assert changed == {name for name, parameter in model.named_parameters() if id(parameter) in reaction}


def test_pasts_encoded_once_give_what_every_window_encoded_gives(stage, branches):
    scene = branches.batch(range(len(branches)))
    now, model = OBSERVED - 1, stage.world_model
    differ, astray, size = stage.terms(scene)
    scene = scene[find_siblings(scene, now).pairs.unique()]
    assert size == scene.position.shape[0]
    siblings = find_siblings(scene, now)
    anchor = model.jepa.encode(scene.between(0, OBSERVED)).at()
    anchor.ego = siblings.ego
    did = torch.stack([one[max(ego, 0)] for one, ego in zip(scene.velocity, siblings.ego.tolist(), strict=True)])
    path = model.motion(anchor, model.jepa.imagine(anchor, did[:, None, OBSERVED:])).position
    truth, people = scene.position[:, :, OBSERVED:], anchor.present & (scene.kind != ROBOT)
    mask = scene.present[:, :, OBSERVED:] & people[..., None]
    torch.testing.assert_close(differ, contrast(path[:, 0], truth, mask, siblings, scene.kind))
    torch.testing.assert_close(astray, over_agents(displacement(path, truth, mask), mask))


def test_a_batch_without_siblings_teaches_no_differences(stage, branches):
    differ, astray, size = stage.terms(branches.batch([0]))
    (differ + astray).backward()
    assert differ == 0
    assert astray.isfinite()
    assert size == 1


def test_a_run_on_branches_fits_its_reaction_and_its_forecasts_are_those_without(tmp_path):
    branched = [*BRANCHED, f"data.root={tmp_path}"]
    run = train(composed("train", *branched, f"run={tmp_path / 'run'}"))
    plain = train(composed("train", *branched, f"run={tmp_path / 'plain'}", "reaction.epochs=0"))
    fitted, without = (dict(WorldModel.load(path).named_parameters()) for path in (run, plain))
    changed = {name for name, value in fitted.items() if not torch.equal(value, without[name])}
    assert changed
    assert all(name.startswith("jepa.predictor.") for name in changed)
    with pytest.raises(ValueError, match=r"reaction\.epochs > 0 needs logs of branches"):
        train(composed("train", *branched, f"run={tmp_path / 'none'}", "data.source.branching=null"))
    assert not (tmp_path / "none").exists()
