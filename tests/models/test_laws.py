"""Laws of the world model: what must hold for any weights and any scene."""

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from tests.conftest import random_scene

TIGHT = {"atol": 2e-5, "rtol": 1e-4}


@pytest.fixture(scope="module")
def world_model() -> WorldModel:
    torch.manual_seed(1)
    model = WorldModel(SocialJEPA(ModelConfig(width=32, predictor_width=32, window=6)), dt=0.4, horizon=5).eval()
    torch.nn.init.normal_(model.motion.out[-1].weight)  # an untrained readout says nothing: make it speak
    return model


@pytest.fixture
def actions() -> torch.Tensor:
    return torch.randn(3, 4, 5, 2, generator=torch.Generator().manual_seed(2))


def everything(model: WorldModel, scene: Scene, actions: torch.Tensor) -> tuple[torch.Tensor, ...]:
    latents = model.jepa.encode(scene)
    imagined = model.jepa.imagine(latents, actions)
    return latents.state, imagined, model.motion(latents.at(), imagined).position, model.forecast(scene, 5)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, **TIGHT)


@torch.no_grad()
def test_agents_are_a_set(world_model, scene, actions):
    order = torch.randperm(scene.agents, generator=torch.Generator().manual_seed(3))
    state, imagined, future, forecast = everything(world_model, scene, actions)
    state2, imagined2, future2, forecast2 = everything(world_model, scene.permute(order), actions)
    close(state2, state[:, order])
    close(imagined2, imagined[:, :, order])
    close(future2, future[:, :, order])
    close(forecast2, forecast[:, order])


@torch.no_grad()
def test_padding_and_company_change_nothing(world_model, scene, actions):
    padded = Scene.collate([scene.pad(scene.agents + 4), random_scene(batch=2, agents=7, seed=9)])
    more = torch.cat((actions, torch.zeros(2, 4, 5, 2)))
    for a, b in zip(everything(world_model, scene, actions), everything(world_model, padded, more), strict=True):
        agents = 1 if a.ndim == 4 else 2
        close(a, b[:3].narrow(agents, 0, scene.agents))


@torch.no_grad()
def test_absent_agents_cannot_be_seen(world_model, scene, actions):
    changed = scene.clone()
    changed.position[~scene.present] = 77.0
    changed.heading[~scene.present] = 1.0
    close(world_model.jepa.encode(scene).state, world_model.jepa.encode(changed).state)


@torch.no_grad()
def test_rigid_motion_changes_nothing(world_model, scene, actions):
    angle, shift = torch.tensor(2.1), torch.tensor([3.0, -7.0])
    state, imagined, future, forecast = everything(world_model, scene, actions)
    moved = everything(world_model, scene.transform(angle, shift), rotate(actions, angle))
    close(moved[0], state)
    here = scene.present[:, :, -1]
    close(moved[1].transpose(1, 2)[here], imagined.transpose(1, 2)[here])
    torch.testing.assert_close(
        moved[2].transpose(1, 2)[here], (rotate(future, angle) + shift).transpose(1, 2)[here], atol=1e-3, rtol=1e-4
    )
    torch.testing.assert_close(moved[3][here], (rotate(forecast, angle) + shift)[here], atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_latents_do_not_know_the_future(world_model, scene):
    changed = scene.clone()
    changed.position[:, :, 7:] += torch.randn_like(changed.position[:, :, 7:])
    changed.present[:, 1, 7:] = False
    changed = Scene.from_arrays(changed.position, 0.4, present=changed.present, ego=scene.ego)
    before, after = world_model.jepa.encode(scene).state, world_model.jepa.encode(changed).state
    close(before[:, :, :7], after[:, :, :7])
    assert (before[:, :, 7:] - after[:, :, 7:]).abs().max() > 1e-3


@torch.no_grad()
def test_others_react_to_the_plan_and_never_to_its_future(world_model, scene, actions):
    latents = world_model.jepa.encode(scene)
    changed = actions.clone()
    changed[:, :, 3:] += 1.0
    before, after = world_model.jepa.imagine(latents, actions), world_model.jepa.imagine(latents, changed)
    close(before[..., :3, :], after[..., :3, :])  # frames 1..3 follow from actions 0..2
    others = before[:, :, 1:3, 3:] - after[:, :, 1:3, 3:]
    assert others.abs().max() > 1e-4


@torch.no_grad()
def test_without_an_ego_plans_are_ignored(world_model, scene, actions):
    free = scene.clone()
    free.ego = torch.full_like(scene.ego, -1)
    given = world_model.jepa.imagine(world_model.jepa.encode(free), actions)
    close(given[:, :1], world_model.jepa.imagine(world_model.jepa.encode(scene), horizon=5))


@torch.no_grad()
def test_a_stream_equals_encoding_at_once(world_model):
    scene = random_scene(frames=14)  # longer than the window of 6
    whole = world_model.jepa.encode(scene)
    stream, states, framed = None, [], []
    for frame in range(scene.frames):
        latents, stream = world_model.jepa.encode_step(scene.between(frame, frame + 1), stream)
        states.append(latents.state)
        framed.append(latents.oriented)
    close(torch.cat(states, dim=2), whole.state)
    assert torch.equal(torch.cat(framed, dim=2), whole.oriented)
    assert stream.scene.frames == 6, "a stream must not grow without bound"


@torch.no_grad()
def test_save_and_load_round_trip(world_model, scene, tmp_path):
    world_model.save(tmp_path)
    loaded = WorldModel.load(tmp_path)
    assert torch.equal(loaded.forecast(scene, 5), world_model.forecast(scene, 5))
    assert loaded.dt == world_model.dt
    (tmp_path / "config.json").write_text((tmp_path / "config.json").read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(ValueError, match="format 99"):
        WorldModel.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        WorldModel.load(tmp_path / "nowhere")


@torch.no_grad()
def test_who_never_moved_has_no_direction_to_go(world_model):
    still = Scene.from_arrays(torch.zeros(1, 2, 6, 2) + torch.tensor([[0.0, 0.0], [2.0, 0.0]])[None, :, None], 0.4)
    close(world_model.forecast(still, 5), still.position[:, :, -1:].expand(-1, -1, 5, -1))
