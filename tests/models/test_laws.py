"""Laws of the world model: what must hold for any weights and any scene."""

import pytest
import torch

from jepa_social.geometry import rotate
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.scene import Scene
from tests.conftest import random_scene
from tests.models.walled import heeding_walls, walled

TIGHT = {"atol": 2e-5, "rtol": 1e-4}


@pytest.fixture(scope="module", params=[0, 8], ids=["open", "walled"])
def world_model(request) -> WorldModel:
    torch.manual_seed(1)
    sizes = ModelConfig(width=32, predictor_width=32, window=6, walls=request.param)
    model = WorldModel(SocialJEPA(sizes), dt=0.4, horizon=5).eval()
    torch.nn.init.normal_(model.motion.out[-1].weight)  # an untrained readout says nothing: make it speak
    return heeding_walls(model)


@pytest.fixture
def scene() -> Scene:
    return walled(random_scene())


@pytest.fixture
def actions() -> torch.Tensor:
    return torch.randn(3, 4, 5, 2, generator=torch.Generator().manual_seed(2))


def everything(model: WorldModel, scene: Scene, actions: torch.Tensor) -> tuple[torch.Tensor, ...]:
    latents = model.jepa.encode(scene)
    imagined = model.jepa.imagine(latents, actions)
    return (
        latents.state,
        imagined,
        model.motion(latents.at(), imagined).position,
        model.forecast(scene, 5),
        model.sample(scene, 5, 4),
        model.draw(scene, 5, 4, seed=0),
    )


def of_agents(value: torch.Tensor) -> torch.Tensor:
    """`[B,N,...]` as it is, `[B,S,N,...]` with agents in front of samples."""
    return value if value.ndim == 4 else value.transpose(1, 2)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, **TIGHT)


@torch.no_grad()
def test_agents_are_a_set(world_model, scene, actions):
    order = torch.randperm(scene.agents, generator=torch.Generator().manual_seed(3))
    before = everything(world_model, scene, actions)
    for a, b in zip(before, everything(world_model, scene.permute(order), actions), strict=True):
        close(of_agents(b), of_agents(a)[:, order])


@torch.no_grad()
def test_padding_and_company_change_nothing(world_model, scene, actions):
    padded = Scene.collate([scene.pad(scene.agents + 4), random_scene(batch=2, agents=7, seed=9)])
    more = torch.cat((actions, torch.zeros(2, 4, 5, 2)))
    for a, b in zip(everything(world_model, scene, actions), everything(world_model, padded, more), strict=True):
        close(of_agents(a), of_agents(b)[:3, : scene.agents])


@torch.no_grad()
def test_absent_agents_cannot_be_seen(world_model, scene, actions):
    changed = scene.clone()
    changed.position[~scene.present] = 77.0
    changed.heading[~scene.present] = 1.0
    close(world_model.jepa.encode(scene).state, world_model.jepa.encode(changed).state)


@torch.no_grad()
def test_rigid_motion_changes_nothing(world_model, scene, actions):
    angle, shift = torch.tensor(2.1), torch.tensor([3.0, -7.0])
    (state, imagined, *paths) = everything(world_model, scene, actions)
    (state2, imagined2, *paths2) = everything(world_model, scene.transform(angle, shift), rotate(actions, angle))
    close(state2, state)
    here = scene.present[:, :, -1]
    close(of_agents(imagined2)[here], of_agents(imagined)[here])
    for path, moved in zip(paths, paths2, strict=True):
        expected = rotate(path, angle) + shift
        torch.testing.assert_close(of_agents(moved)[here], of_agents(expected)[here], atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_draws_turn_with_the_scene_unless_an_agent_has_no_heading(world_model):
    """Of who was never seen to move, a turned recording gives other draws from the same, round, distribution."""
    scene, angle = random_scene(), torch.tensor(2.1)
    scene.present[:, 1, :-1] = False  # comes in the last frame
    scene = Scene.from_arrays(scene.position, 0.4, present=scene.present)
    turned = Scene.from_arrays(rotate(scene.position, angle), 0.4, present=scene.present)  # headings from motion only
    anchor = world_model.jepa.encode(scene).at()
    assert not anchor.oriented[:, 1].any()
    before, after = (world_model.draw(one, 5, 4, seed=0).transpose(1, 2) for one in (scene, turned))
    known = anchor.present & anchor.oriented
    assert known.sum() > 5
    torch.testing.assert_close(after[known], rotate(before, angle)[known], atol=1e-3, rtol=1e-4)
    error, error2 = (d[:, 1] - one.position[:, 1, -1, None, None] for d, one in ((before, scene), (after, turned)))
    torch.testing.assert_close(error2, error, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_latents_do_not_know_the_future(world_model, scene):
    changed = scene.clone()
    changed.position[:, :, 7:] += torch.randn_like(changed.position[:, :, 7:])
    changed.present[:, 1, 7:] = False
    changed = Scene.from_arrays(changed.position, 0.4, present=changed.present, ego=scene.ego, walls=scene.walls)
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
    scene = walled(random_scene(frames=14))  # longer than the window of 6
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


@torch.no_grad()
def test_how_far_one_looks_changes_no_nearer_future(world_model, scene):
    whole = world_model.horizon
    foreseen = [world_model.jepa.foresee(world_model.jepa.encode(scene).at(), steps) for steps in (4, whole, whole + 8)]
    odds = [world_model.odds(world_model.jepa.encode(scene).at(), one) for one in foreseen]
    close(odds[0], odds[1])
    close(odds[2], odds[1])
    for ask in (world_model.forecast, lambda seen, steps: world_model.sample(seen, steps, 4)):
        far = ask(scene, whole + 8)
        for steps in (4, whole):
            close(ask(scene, steps), far[..., :steps, :])
