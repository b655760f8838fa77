"""Laws of masking: it hides what it says, nothing leaks, targets stay, and agents are a set."""

from types import SimpleNamespace

import pytest
import torch

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.objectives import Reconstruction, SigReg
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.futures import Futures
from jepa_social.stages.masking import Masking, without
from jepa_social.stages.noise import Noise
from jepa_social.stages.optim import Schedule
from jepa_social.stages.pretrain import Pretrain
from jepa_social.stages.readout import FitMotion
from jepa_social.stages.rollouts import draw_rollouts, each_step
from tests.conftest import random_scene

NOW, HORIZON = 7, 6
MASKINGS = {"agents": Masking(agents=0.4), "time": Masking(time=0.8), "mixed": Masking(agents=0.3, time=0.8)}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def window() -> Scene:
    """Agents that come late, leave early or never come."""
    return random_scene(batch=40, agents=6, frames=14)


@pytest.fixture
def model() -> SocialJEPA:
    return SocialJEPA(ModelConfig(width=16, depth=2, heads=2, predictor_width=16, reaction=8), teacher=False)


def fields(scene: Scene) -> tuple[torch.Tensor, ...]:
    return scene.position, scene.velocity, scene.heading, scene.present


@pytest.mark.parametrize("name", MASKINGS)
def test_the_scene_itself_is_left_alone_and_what_is_left_is_as_it_was(window, name):
    before = window.clone()
    masked = MASKINGS[name](window, NOW)
    assert all(torch.equal(a, b) for a, b in zip(fields(window), fields(before), strict=True))
    hidden = window.present & ~masked.present
    assert 0.1 < hidden.sum() / window.present.sum() < 0.7
    assert not (masked.present & ~window.present).any()
    assert torch.equal(masked.position, window.position * masked.present[..., None])


@pytest.mark.parametrize("name", MASKINGS)
def test_what_is_left_is_what_a_scene_of_it_would_be(window, name):
    masked = MASKINGS[name](window, NOW)
    again = Scene.from_arrays(window.position, 0.4, present=masked.present)
    for mine, made in zip(fields(masked), fields(again), strict=True):
        torch.testing.assert_close(mine, made)


def test_logged_motion_stays_where_nothing_was_hidden(window):
    logged = window.clone()
    logged.velocity = window.velocity + 0.3 * window.present[..., None]
    logged.heading = window.heading + 0.2 * window.present
    hidden = torch.zeros_like(window.present)
    hidden[:, 0, 4] = True
    masked = without(logged, hidden)
    assert torch.equal(masked.velocity[:, 1:], logged.velocity[:, 1:])
    assert torch.equal(masked.heading[:, 1:], logged.heading[:, 1:])
    assert torch.equal(masked.velocity[:, 0, :4], logged.velocity[:, 0, :4])
    assert not masked.velocity[:, 0, 4:6].any(), "a velocity needs the frame before"
    assert torch.equal(masked.velocity[:, 0, 6:], logged.velocity[:, 0, 6:])


def test_agents_are_hidden_whole_and_somebody_is_left():
    scene = random_scene(batch=2000, agents=4, gaps=False)
    hidden = Masking(agents=0.3).draw(scene, NOW)
    assert torch.equal(hidden.any(-1), hidden.all(-1))
    assert hidden.float().mean() == pytest.approx(0.3, abs=0.02)
    scene.present[:, 2:] = False
    masked = Masking(agents=0.9)(scene, NOW)
    assert (masked.present[:, :2, NOW].sum(1) == 1).float().mean() > 0.9
    assert masked.present[:, :2, NOW].any(1).all(), "somebody who is there now"


def test_frames_are_dropped_at_a_rate_of_each_scene_and_the_last_two_seen_are_kept(window):
    scene = random_scene(batch=2000, agents=4, frames=30, gaps=False)
    rate = Masking(time=0.6).draw(scene, 29)[..., :28].float().mean((1, 2))
    assert rate.mean() == pytest.approx(0.3, abs=0.02)
    assert rate.quantile(0.05) < 0.1
    assert rate.quantile(0.95) > 0.5
    for _ in range(20):
        masked = Masking(time=0.99)(window, NOW)
        seen, left = (s.present[..., : NOW + 1].cumsum(-1)[..., -1:] for s in (window, masked))
        assert (left >= seen.clamp(max=2)).all()
        assert torch.equal(masked.present[..., NOW], window.present[..., NOW])
    assert torch.equal(
        Masking(time=0.99, keep=NOW + 1)(window, NOW).present[..., : NOW + 1], window.present[..., : NOW + 1]
    )


def test_without_shares_only_the_future_is_hidden(window):
    assert not Masking().hides
    assert Masking()(window, NOW) is window


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"agents": 1.0}, r"masking\.agents is 1\.0"),
        ({"time": -0.1}, r"masking\.time"),
        ({"keep": 0}, r"masking\.keep"),
    ],
)
def test_shares_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Masking(**wrong)


@torch.no_grad()
@pytest.mark.parametrize("name", MASKINGS)
def test_what_is_hidden_does_not_leak(model, window, name):
    hidden = MASKINGS[name].draw(window, NOW)
    position = torch.where((hidden & window.present)[..., None], torch.randn_like(window.position), window.position)
    other = Scene.from_arrays(position, 0.4, present=window.present, ego=window.ego)
    assert not torch.allclose(model.encode(other).state, model.encode(window).state, atol=1e-2)
    torch.testing.assert_close(model.encode(without(other, hidden)).state, model.encode(without(window, hidden)).state)


@torch.no_grad()
@pytest.mark.parametrize("name", MASKINGS)
def test_agents_remain_a_set(model, window, name):
    hidden = MASKINGS[name].draw(window, NOW)
    order = torch.randperm(window.agents)
    found = []
    for scene, gone in ((window, hidden), (window.permute(order), hidden[:, order])):
        latents = model.encode(without(scene, gone))
        rollouts = draw_rollouts(latents, [NOW, 3], HORIZON, 1.0, scene, ask=True)
        found.append((rollouts, model.imagine(rollouts.anchor, rollouts.actions)[:, 0]))
    assert torch.equal(found[0][0].anchor.present[:, order], found[1][0].anchor.present)
    torch.testing.assert_close(found[0][1][:, order], found[1][1], atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_of_a_hidden_agent_the_anchor_tells_the_place_and_nothing_else(model, window):
    hidden = torch.zeros_like(window.present)
    hidden[:, 1] = True
    latents = model.encode(without(window, hidden))
    for ask in (False, True):
        rollouts = draw_rollouts(latents, [NOW, 2], HORIZON, 0.0, window, ask)
        anchor = rollouts.anchor
        assert torch.equal(anchor.present[:, 1], rollouts.at_start(window.present)[:, 1] & ask)
        assert torch.equal(anchor.position[:, 1], rollouts.at_start(window.position)[:, 1] * ask)
        for value in (anchor.state, anchor.velocity, anchor.heading, anchor.oriented):
            assert not value[:, 1].any()
        assert (anchor.ego != 1).all(), "and no plan of its own"
        assert torch.equal(anchor.present[:, 2:], rollouts.at_start(window.present)[:, 2:])


@torch.no_grad()
def test_a_hidden_agent_is_told_by_the_others_and_not_by_its_own_past(model):
    scene = random_scene(batch=3, agents=3, gaps=False)
    hidden = torch.zeros_like(scene.present)
    hidden[:, 1] = True

    def prediction(moved: int | None) -> torch.Tensor:
        """Of agent 1, when the past of agent `moved` was another."""
        path = scene.position.clone()
        if moved is not None:
            path[:, moved, :NOW] += torch.randn(3, NOW, 2, generator=torch.Generator().manual_seed(1))
        other = Scene.from_arrays(path, 0.4, ego=scene.ego)
        rollouts = draw_rollouts(model.encode(without(other, hidden)), [NOW], 3, 1.0, other, ask=True)
        return model.imagine(rollouts.anchor, horizon=3)[:, 0, 1]

    torch.testing.assert_close(prediction(moved=1), prediction(moved=None))
    assert (prediction(moved=0) - prediction(moved=None)).abs().max() > 1e-4


class Spy(SigReg):
    """Keeps what it was asked."""

    def forward(self, *asked):
        self.asked = asked
        return super().forward(*asked)


@pytest.mark.parametrize("name", MASKINGS)
@pytest.mark.parametrize("rollout", [True, False])
def test_targets_come_from_the_whole_scene(model, window, name, rollout):
    module = Pretrain(model, Spy(), Schedule(), Augment(), HORIZON, rollout=rollout, masking=MASKINGS[name])
    module.eval()
    asked = []
    for corrupt in (False, True):
        torch.manual_seed(4)
        module.terms(window, corrupt)
        asked.append(module.objective.asked)
    (seen, target, _, mask, _), (masked, target2, flat, mask2, _) = asked
    torch.testing.assert_close(target2, target)
    counted = mask & mask2
    assert not torch.allclose(masked[counted], seen[counted], atol=1e-3), "predictions know less"
    if name == "agents":
        assert torch.equal(mask, mask2), "hidden agents are predicted too"
    assert len(flat) > window.present.sum(), "both views are regularised"


def test_horizons_and_teacher_forcing_predict_the_same_frames(model, window):
    assert each_step([7, 2], 3) == [7, 8, 9, 2, 3, 4]
    asked = {}
    for rollout in (True, False):
        module = Pretrain(model, Spy(weight=0.0), Schedule(), Augment(), HORIZON, starts=2, rollout=rollout)
        torch.manual_seed(1)
        module.terms(window)
        asked[rollout] = module.objective.asked
    rolled, forced = asked[True], asked[False]
    assert rolled[1].shape == (2 * 40, 6, HORIZON, 16)
    assert forced[1].shape == (2 * HORIZON * 40, 6, 1, 16)
    as_rollouts = forced[1].view(2, HORIZON, 40, 6, 16).permute(0, 2, 3, 1, 4).flatten(0, 1)
    torch.testing.assert_close(as_rollouts, rolled[1])
    for horizon in (1, 3):
        module = Pretrain(model, Spy(weight=0.0), Schedule(), Augment(), horizon)
        module.terms(window)
        assert module.objective.asked[1].shape[2] == horizon


def test_states_are_told_only_where_there_is_a_frame_and_a_velocity(window):
    """Who never moved, absent frames and first frames after a gap are no targets: their values change nothing."""
    model = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8), teacher=False)
    module = Pretrain(model, Reconstruction(16), Schedule(), Augment(), HORIZON, starts=1)
    window.present[:, 3, 10] = False
    window = Scene.from_arrays(window.position, 0.4, present=window.present, ego=window.ego)
    other = window.clone()
    other.velocity[:, 3, 11] = 50.0
    other.position[:, 3, 10:12] = 50.0
    other.ego = window.ego
    losses = []
    for scene in (window, other):
        torch.manual_seed(3)
        losses.append(module.terms(scene)[0].total)
    torch.testing.assert_close(*losses)
    assert module.objective.head[0].weight.grad is None
    losses[0].backward()
    assert module.objective.head[0].weight.grad.any()


def test_training_hides_and_validation_does_not(model, window, monkeypatch):
    masking, noise = Masking(time=0.5), Noise(share=1.0)
    module = Pretrain(model, SigReg(), Schedule(), Augment(), HORIZON, masking=masking, noise=noise)
    asked = []
    monkeypatch.setattr(Masking, "__call__", lambda self, scene, now: asked.append(self) or scene)
    monkeypatch.setattr(Noise, "__call__", lambda self, scene: asked.append(self) or scene)
    for name in ("log", "log_dict"):
        monkeypatch.setattr(module, name, lambda *_, **__: None)
    module._trainer = SimpleNamespace(global_step=0, loggers=[])
    module.validation_step(window, 0)
    assert asked == []
    module.training_step(window, 0)
    assert asked == [noise, masking]


def test_a_readout_is_fitted_on_what_is_left(window, monkeypatch):
    """Hidden agents and frames change nothing in the error of the best guess but what is asked of it."""
    model = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8), teacher=False)
    world_model = WorldModel(model, dt=0.4, horizon=HORIZON)
    module = FitMotion(world_model, Schedule(), Augment(), HORIZON, starts=1, free=1.0, masking=MASKINGS["mixed"])
    module.loss = Futures(best=0.0, surprise=0.0, apart=0.0)
    monkeypatch.setattr(module, "log_dict", lambda *_, **__: None)
    hidden = MASKINGS["mixed"].draw(window, NOW)
    monkeypatch.setattr(Masking, "draw", lambda self, scene, now: hidden)
    seen = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda scene: seen.append(scene) or encode(scene))
    loss = module.training_step(window, 0)
    assert torch.equal(seen[0].present, (window.present & ~hidden)[..., : NOW + 1])
    last = window.position[:, :, NOW : NOW + 1]
    there = window.present[:, :, NOW + 1 :] & seen[0].present[:, :, NOW, None]
    coast = last + 0.4 * seen[0].velocity[:, :, NOW, None] * torch.arange(1, HORIZON + 1).view(-1, 1)
    error = (coast - window.position[:, :, NOW + 1 :]).norm(dim=-1)
    torch.testing.assert_close(loss, error[there].mean(), msg="an untrained readout is constant velocity")
