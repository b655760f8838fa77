"""Laws of what training draws from a window: starts, egos, actions, targets, augmented copies, and the teacher."""

from types import SimpleNamespace

import pytest
import torch

from jepa_social.kinematics import backward_difference, motion_heading
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.latents import Latents
from jepa_social.models.objectives import Ema
from jepa_social.scene import KINDS, Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.optim import Schedule
from jepa_social.stages.pretrain import Pretrain
from jepa_social.stages.rollouts import draw_egos, draw_rollouts, draw_starts
from tests.conftest import random_scene

HORIZON = 5


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def window() -> Scene:
    """Agents that come late, leave early or never come."""
    return random_scene(batch=40, agents=6, frames=14)


def latents(scene: Scene) -> Latents:
    """Latents that say where they are from: (agent, frame)."""
    agent, frame = torch.meshgrid(torch.arange(scene.agents), torch.arange(scene.frames), indexing="ij")
    state = torch.stack((agent, frame), dim=-1).float().expand(len(scene.dt), -1, -1, -1)
    return Latents(state, scene.present, scene)


def test_starts_leave_a_whole_future_and_always_hold_the_last():
    for _ in range(50):
        starts = draw_starts(frames=20, horizon=12, number=3)
        assert starts[0] == 7
        assert len(set(starts)) == len(starts) == 3
        assert all(0 <= start <= 7 for start in starts)
    assert {start for _ in range(200) for start in draw_starts(20, 12, 2)[1:]} == set(range(7))
    assert draw_starts(frames=13, horizon=12, number=3) == [0]
    with pytest.raises(ValueError, match="windows of 12 frames leave nothing to observe at a horizon of 12"):
        draw_starts(12, 12, 1)


def test_the_ego_is_there_throughout(window):
    for start in (0, 3, 8):
        ego = draw_egos(window, start, HORIZON, free=0.0)
        whole = window.present[:, :, start : start + HORIZON + 1].all(-1)
        assert (ego >= 0).all()
        assert whole[torch.arange(40), ego].all()
    window.present[:7] = False
    assert (draw_egos(window, 3, HORIZON, free=0.0) == -1).tolist() == [True] * 7 + [False] * 33


def test_everybody_may_serve_and_robots_serve_half_the_time():
    scene = random_scene(batch=4000, agents=5, gaps=False)
    drawn = draw_egos(scene, 2, HORIZON, free=0.0).bincount(minlength=5) / 4000
    assert (drawn - 0.2).abs().max() < 0.03
    scene.kind[:, 2] = KINDS.index("robot")
    drawn = draw_egos(scene, 2, HORIZON, free=0.0).bincount(minlength=5) / 4000
    assert drawn[2] == pytest.approx(6 / 10, abs=0.03)  # its own share and that of all five


@pytest.mark.parametrize("free", [0.0, 0.3, 1.0])
def test_plans_are_withheld_as_often_as_asked(free):
    scene = random_scene(batch=4000, agents=3, gaps=False)
    assert (draw_egos(scene, 2, HORIZON, free) < 0).float().mean() == pytest.approx(free, abs=0.03)


def test_actions_are_what_the_ego_did_next(window):
    starts = [8, 2]
    rollouts = draw_rollouts(latents(window), starts, HORIZON, free=0.3)
    assert rollouts.actions.shape == (80, 1, HORIZON, 2)
    for part, start in enumerate(starts):
        for scene in range(40):
            row = 40 * part + scene
            ego = int(rollouts.anchor.ego[row])
            done = window.velocity[scene, ego, start + 1 : start + 1 + HORIZON] if ego >= 0 else torch.zeros(HORIZON, 2)
            assert torch.equal(rollouts.actions[row, 0], done)
            if ego >= 0:
                moved = window.position[scene, ego, start] + 0.4 * rollouts.actions[row, 0].sum(0)
                torch.testing.assert_close(moved, window.position[scene, ego, start + HORIZON], atol=1e-4, rtol=1e-4)
    assert (window.ego == 0).all(), "the scene itself is left alone"


def test_targets_follow_their_anchors(window):
    starts = [8, 2, 0]
    rollouts = draw_rollouts(latents(window), starts, HORIZON, free=0.5)
    target = rollouts.gather(latents(window).state)
    assert target.shape == (120, 6, HORIZON, 2)
    lag = target[..., 1] - rollouts.anchor.state[:, :, None, 1]
    assert torch.equal(lag, torch.arange(1.0, HORIZON + 1).expand_as(lag)), "frame k is k after the anchor"
    assert (target[..., 0] == rollouts.anchor.state[:, :, None, 0]).all(), "and the same agent's"
    torch.testing.assert_close(rollouts.anchor.position, torch.cat([window.position[:, :, s] for s in starts]))
    assert torch.equal(rollouts.gather(window.present)[:40], window.present[:, :, 9:14])


@pytest.mark.parametrize("augment", [Augment(scale=0.5), Augment(mirror=0.5), Augment(scale=0.3, mirror=1.0)])
def test_an_augmented_log_is_a_log(window, augment):
    before = window.clone()
    new = augment(window)
    again = backward_difference(new.position, new.present, new.dt)
    torch.testing.assert_close(new.velocity, again, atol=1e-3, rtol=1e-3)
    heading = motion_heading(before.velocity, before.present)
    mirrored = (new.heading * heading < 0).any(-1).any(-1)
    expected = torch.where(mirrored[:, None, None], -heading, heading)
    torch.testing.assert_close(new.heading, expected)
    assert torch.equal(new.present, window.present)
    assert torch.equal(window.position, before.position), "a copy"
    assert not torch.equal(new.position, window.position)


def test_a_mirror_is_an_isometry_and_turns_left_into_right(window):
    new = Augment(mirror=1.0)(window)
    for name in ("position", "velocity"):
        old = getattr(window, name).flatten(1, 2)
        torch.testing.assert_close(torch.cdist(*2 * [getattr(new, name).flatten(1, 2)]), torch.cdist(old, old))
        assert torch.equal(getattr(new, name)[..., 1], -getattr(window, name)[..., 1])


def test_the_scale_stays_within_its_bounds():
    scene = random_scene(batch=2000, agents=2, gaps=False)
    factor = (Augment(scale=0.5)(scene).velocity.norm(dim=-1) / scene.velocity.norm(dim=-1).clamp(min=1e-9))[:, 0, -1]
    assert factor.min() >= 1 / 1.5 - 1e-4
    assert factor.max() <= 1.5 + 1e-4
    assert factor.log().mean() == pytest.approx(0.0, abs=0.02)
    assert torch.equal(Augment()(scene).position, scene.position)


def small() -> SocialJEPA:
    return SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8))


def test_the_teacher_follows_with_the_given_momentum():
    model = small()
    for parameter in model.encoder.parameters():
        torch.nn.init.normal_(parameter)
    old = [parameter.clone() for parameter in model.teacher.parameters()]
    model.update_teacher(0.9)
    for was, now, fast in zip(old, model.teacher.parameters(), model.encoder.parameters(), strict=True):
        torch.testing.assert_close(now, 0.9 * was + 0.1 * fast)
    model.update_teacher(0.0)
    assert all(torch.equal(a, b) for a, b in zip(model.teacher.parameters(), model.encoder.parameters(), strict=True))


def test_the_teacher_slows_down_to_a_stop():
    """BYOL's cosine: momentum m at the first step, 1 at the last."""
    module = Pretrain(small(), Ema(momentum=0.9), Schedule(), Augment())
    used = []
    module.model.update_teacher = used.append
    for step in (0, 50, 100):
        module._trainer = SimpleNamespace(global_step=step, estimated_stepping_batches=100)
        module.on_train_batch_end(None, None, 0)
    assert used == pytest.approx([0.9, 0.95, 1.0])


def test_nobody_trains_the_teacher(window):
    module = Pretrain(small(), Ema(), Schedule(), Augment(), horizon=HORIZON)
    terms, _ = module.terms(window)
    terms.total.backward()
    assert all(parameter.grad is None for parameter in module.model.teacher.parameters())
    online = dict(module.model.encoder.named_parameters()) | dict(module.model.predictor.named_parameters())
    untouched = [name for name, parameter in online.items() if parameter.grad is None or not parameter.grad.any()]
    assert untouched == [], "everything else learns"


def test_what_is_absent_in_the_future_is_no_target(window):
    module = Pretrain(small(), Ema(weight=0.0), Schedule(), Augment(), horizon=HORIZON)
    ghosts = window.clone()
    ghosts.position[~window.present] = 50.0
    losses = []
    for scene in (window, ghosts):
        torch.manual_seed(3)
        losses.append(module.terms(scene)[0].total)
    torch.testing.assert_close(*losses)
