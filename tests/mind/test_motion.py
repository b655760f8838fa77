"""The motion readout and what is forecast with it."""

import json
import math
from dataclasses import replace

import pytest
import torch

from jepa_social.mind.motion import MotionReadout
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.journey import JOURNEY, coasting
from jepa_social.runs import CONFIG
from jepa_social.scene import Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.optim import Schedule
from jepa_social.stages.readout import FitMotion
from tests.conftest import random_scene

SMALL = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, reaction=8)


@pytest.fixture
def model() -> WorldModel:
    torch.manual_seed(0)
    return WorldModel(SocialJEPA(SMALL), dt=0.4, horizon=6).eval()


def speak(model: WorldModel) -> WorldModel:
    torch.nn.init.normal_(model.motion.out[-1].weight, std=0.3)
    return model


def line(dt: float, frames: int = 21) -> Scene:
    """Two people who walk straight and one who stands."""
    velocity = torch.tensor([[1.0, 0.3], [-0.5, 0.8], [0.0, 0.0]])
    start = torch.tensor([[0.0, 0.0], [3.0, 1.0], [2.0, -2.0]])
    time = dt * torch.arange(1.0 - frames, 1.0)
    return Scene.from_arrays(start[:, None] + time[:, None] * velocity[:, None], dt)


def test_untrained_it_says_constant_velocity(model, scene):
    forecast = model.forecast(scene, 6)
    steps = 0.4 * torch.arange(1, 7).view(-1, 1)
    straight = scene.position[:, :, -1:] + steps * scene.velocity[:, :, -1:]
    here = scene.present[:, :, -1]
    torch.testing.assert_close(forecast[here], straight[here])


@pytest.mark.parametrize("dt", [0.1, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.8, 1.0])
def test_straight_lines_are_exact_at_any_rate(model, dt):
    scene = line(dt)
    forecast = model.forecast(scene, 9)
    assert forecast.shape == (1, 3, 9, 2)
    ahead = dt * torch.arange(1.0, 10.0)
    velocity = torch.tensor([[1.0, 0.3], [-0.5, 0.8], [0.0, 0.0]])
    torch.testing.assert_close(
        forecast[0], scene.position[0, :, -1:] + ahead[:, None] * velocity[:, None], atol=2e-4, rtol=0
    )


def test_a_forecast_read_at_half_the_rate_is_every_second_of_its_frames(model):
    """What is imagined does not depend on when it is read."""
    speak(model)
    scene = random_scene(batch=2, frames=13, gaps=False)
    fine = model.forecast(scene, 6)
    often = Scene.from_arrays(_doubled(scene.position), 0.2)
    read = model.forecast(often, 12)
    torch.testing.assert_close(read[:, :, 1::2], fine, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(read[:, :, 2::2], (fine[:, :, :-1] + fine[:, :, 1:]) / 2, atol=1e-3, rtol=1e-3)


def _doubled(position: torch.Tensor) -> torch.Tensor:
    """Twice the rate, linear in between."""
    middle = (position[:, :, :-1] + position[:, :, 1:]) / 2
    woven = torch.stack((position[:, :, :-1], middle), dim=3).flatten(2, 3)
    return torch.cat((woven, position[:, :, -1:]), dim=2)


def test_a_longer_forecast_begins_with_the_shorter(model, scene):
    speak(model)
    torch.testing.assert_close(model.forecast(scene, 9)[:, :, :4], model.forecast(scene, 4), atol=1e-5, rtol=1e-5)
    assert model.forecast(scene).shape == (3, 5, 6, 2), "its own horizon by default"


def test_one_frame_is_enough(model):
    scene = random_scene(frames=1, gaps=False)
    for dt in (0.4, 0.1):
        scene.dt = torch.full((3,), dt)
        torch.testing.assert_close(model.forecast(scene, 5), scene.position.expand(-1, -1, 5, -1))


def test_the_readout_is_a_residual_in_each_agents_own_frame(model, scene):
    """A constant residual: everybody with a heading veers to their own left, the others stay as they were."""
    torch.nn.init.zeros_(model.motion.out[-1].weight)
    model.motion.out[-1].bias.data = torch.tensor([0.0, 1.0, 0.0])
    anchor = model.jepa.encode(scene).at()
    forecast = model.forecast(scene, 3)
    left = torch.stack((-anchor.heading.sin(), anchor.heading.cos()), dim=-1) * anchor.oriented[..., None]
    expected = anchor.position + 0.4 * 3 * (anchor.velocity + left)
    here = anchor.present
    torch.testing.assert_close(forecast[:, :, 2][here], expected[here])


def test_who_walks_faster_than_the_pace_departs_and_errs_in_proportion():
    torch.manual_seed(0)
    model = speak(WorldModel(SocialJEPA(SMALL), dt=0.4, horizon=6, readout_pace=1.0).eval())
    anchor = model.jepa.encode(line(0.4)).at()
    imagined = torch.randn(1, 2, 3, 6, 16 + JOURNEY)

    def told(speed: float) -> tuple[torch.Tensor, torch.Tensor]:
        fast = replace(anchor, velocity=speed * anchor.velocity / anchor.velocity.norm(dim=-1, keepdim=True))
        motion = model.motion(fast, imagined)
        return (motion.position - coasting(fast, 6)[:, None])[0, :, :2], motion.scale[0, :, :2]

    (away, error), (slow, slow_error), (fast, fast_error) = told(1.0), told(0.4), told(2.5)
    torch.testing.assert_close(slow, away)
    torch.testing.assert_close(slow_error, error)
    torch.testing.assert_close(fast, 2.5 * away, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(fast_error, 2.5 * error)
    assert away.abs().max() > 0.1


@pytest.mark.parametrize("pace", [0.0, -1.0, math.nan])
def test_a_pace_that_is_no_speed_is_refused(pace):
    with pytest.raises(ValueError, match=r"readout\.pace"):
        MotionReadout(8, pace=pace)


def test_the_pace_is_kept_and_runs_of_before_have_none(tmp_path):
    WorldModel(SocialJEPA(SMALL), dt=0.4, horizon=6, readout_pace=1.3).save(tmp_path)
    assert WorldModel.load(tmp_path).motion.pace == 1.3
    about = json.loads((tmp_path / CONFIG).read_text())
    del about["readout_pace"]
    (tmp_path / CONFIG).write_text(json.dumps(about))
    assert WorldModel.load(tmp_path).motion.pace is None


@pytest.mark.parametrize("frozen", [True, False])
def test_only_the_supervised_reference_trains_the_latents(model, scene, frozen):
    speak(model)
    module = FitMotion(model, Schedule(), Augment(), horizon=4, frozen=frozen)
    module.log_dict = lambda *args, **kwargs: None
    module.training_step(scene, 0).backward()
    reached = [parameter.grad is not None for parameter in model.jepa.encoder.parameters()]
    assert not any(reached) if frozen else all(reached)
    assert all(parameter.grad is not None for parameter in model.motion.parameters())


def test_fitting_the_readout_leaves_the_world_model_as_it_is(model, scene):
    module = FitMotion(model, Schedule(), Augment(), horizon=4)
    before = {name: value.clone() for name, value in model.jepa.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    still = [value.clone() for value in model.motion.parameters()]
    module.log_dict = lambda *args, **kwargs: None
    module.training_step(scene, 0).backward()
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in model.jepa.state_dict().items())
    assert any(not torch.equal(a, b) for a, b in zip(still, model.motion.parameters(), strict=True))


def test_who_has_no_heading_has_no_residual():
    readout = MotionReadout(8)
    torch.nn.init.normal_(readout.out[-1].weight)
    torch.manual_seed(0)
    jepa = SocialJEPA(ModelConfig(width=8, heads=2, predictor_width=8, depth=1, reaction=4)).eval()
    still = Scene.from_arrays(torch.zeros(1, 4, 2), 0.4)
    anchor = jepa.encode(still).at()
    assert not anchor.oriented.any()
    assert (readout(anchor, torch.randn(1, 3, 1, 5, 8 + JOURNEY)).position == 0).all()


def test_samples_are_scenes_the_likeliest_first_and_draws_are_seeded(model, scene):
    speak(model)
    samples = model.sample(scene, 4, samples=6)
    assert samples.shape == (3, 6, 5, 4, 2)
    torch.testing.assert_close(model.sample(scene, 4, samples=2), samples[:, :2])
    anchor = model.jepa.encode(scene).at()
    odds = (model.odds(anchor, model.jepa.foresee(anchor, 4)) * anchor.present[..., None]).sum(1)
    first = odds.argmax(-1)[:, None, None].expand(-1, 1, 5)
    told = model.motion(anchor, model.jepa.imagine(anchor, horizon=4, intent=first), first).position
    torch.testing.assert_close(samples[:, :1], told)
    drawn = model.draw(scene, 4, samples=50, seed=3)
    assert torch.equal(drawn, model.draw(scene, 4, samples=50, seed=3))
    assert not torch.equal(drawn, model.draw(scene, 4, samples=50, seed=4))
    torch.testing.assert_close(model.draw(scene[:1], 4, samples=50, seed=3), drawn[:1], atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match=r"model\.intents=21"):
        model.sample(scene, 4, samples=21)
