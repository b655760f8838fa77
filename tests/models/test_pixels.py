"""Laws of tokens from pictures: what must hold for any weights and any scene."""

import json
from dataclasses import replace

import pytest
import torch
from tensordict import TensorDict

from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.pixels import Pixels, PixelTokenizer, _unlike
from jepa_social.models.tokenizer import has_frame
from jepa_social.painting import COLOURS
from jepa_social.scene import KINDS, Scene
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.render import render
from jepa_social.worlds.village.scenarios import FalseBelief, Market
from tests.conftest import random_scene

SMALL = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, intents=0, reach=16.0, kinds=10)


def played(scenario: FalseBelief | Market, scenes: int = 6, frames: int = 8) -> Scene:
    village = Village(scenario, limit=frames)
    village.reset(range(scenes))
    for _ in range(frames - 1):
        village.step()
    return village.history()


@pytest.fixture(scope="module")
def jepa() -> SocialJEPA:
    torch.manual_seed(1)
    return SocialJEPA(replace(SMALL, tokenizer=Pixels(width=16, depth=1, heads=2)), teacher=False).eval()


@pytest.fixture(scope="module")
def village() -> Scene:
    return played(FalseBelief(watcher=True))


@pytest.fixture(scope="module")
def market() -> Scene:
    return played(Market())


def state(jepa: SocialJEPA, scene: Scene) -> torch.Tensor:
    with torch.no_grad():
        return jepa.encode(scene).state


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


def test_tokens_have_the_shape_that_the_encoder_takes(jepa, village):
    tokens = jepa.encoder.tokenizer(village, has_frame(village))
    assert tokens.shape == (*village.present.shape, 16)
    assert state(jepa, village).shape == tokens.shape


def test_agents_are_a_set(jepa, village, market):
    for scene in (village, market):
        order = torch.randperm(scene.agents, generator=torch.Generator().manual_seed(3))
        close(state(jepa, scene.permute(order)), state(jepa, scene)[:, order])


def test_padding_and_company_change_nothing(jepa, village):
    alone, other = village.clone(False), played(FalseBelief(hidden_goal=True), scenes=3)
    alone.truth = other.truth = None  # of as many things as a scene has
    both = Scene.collate([alone, other])
    assert both.agents > village.agents
    close(state(jepa, both)[: len(village), : village.agents], state(jepa, village))


@pytest.mark.parametrize("angle", [torch.pi / 2, 2.1])
def test_rigid_motion_changes_nothing(jepa, village, market, angle):
    for scene in (village, market):
        moved = scene.transform(angle, [3.0, -7.0])
        torch.testing.assert_close(state(jepa, moved), state(jepa, scene), atol=1e-4, rtol=1e-3)


def test_latents_do_not_know_the_future(jepa, village):
    before = village.between(0, 5)
    close(state(jepa, village)[:, :, :5], state(jepa, before))


def test_a_stream_gives_the_same_latents(jepa, village):
    stream, latents = None, []
    for frame in range(4):
        with torch.no_grad():
            now, stream = jepa.encode_step(village.between(frame, frame + 1), stream)
        latents.append(now.state)
    close(torch.cat(latents, 2), state(jepa, village.between(0, 4)))


def test_truth_is_not_in_the_picture(jepa, village):
    assert village.truth is not None
    lied = village.clone(False)
    lied.truth = TensorDict({"belief": torch.full((*village.kind.shape, 5), 7.0)}, batch_size=village.kind.shape[:1])
    bare = village.clone(False)
    bare.truth = None
    assert torch.equal(state(jepa, lied), state(jepa, village))
    assert torch.equal(state(jepa, bare), state(jepa, village))


def test_what_a_thing_is_comes_from_its_colour_alone(jepa, village, monkeypatch):
    """Without colours no latent knows apples from cheese; with them it does."""
    other = village.clone(False)
    apple = KINDS.index("apple")
    other.kind = torch.where(village.kind == apple, KINDS.index("cheese"), village.kind)
    assert (state(jepa, other) - state(jepa, village)).abs().max() > 1e-3
    monkeypatch.setitem(COLOURS, "cheese", COLOURS["apple"])
    close(state(jepa, other), state(jepa, village))


def test_equal_pictures_are_encoded_once_to_the_same_tokens(jepa, market):
    tokenizer = jepa.encoder.tokenizer
    assert isinstance(tokenizer, PixelTokenizer)
    views = tokenizer.views(market, has_frame(market))
    kept, back = _unlike(views)
    assert len(kept) < len(views)
    assert torch.equal(views[kept][back], views)
    with torch.no_grad():
        every = tokenizer.vit(tokenizer.pictures(views) * 2 - 1)
        close(tokenizer(market, has_frame(market)).flatten(0, 2), every)


def test_an_agents_picture_is_cut_from_the_whole_one():
    """Who faces right sees what lies around it on the picture of the whole grid."""
    village = Village(FalseBelief(), limit=12)
    village.reset(range(120))
    village.step()
    scene, size = village.history(), 8
    tokenizer = PixelTokenizer(16, Pixels(width=16, depth=1, heads=2))
    pictures = tokenizer.pictures(tokenizer.views(scene, has_frame(scene))).unflatten(0, scene.present.shape)
    whole, found = render(village, size), 0
    for e in range(120):
        x, y = village.cell[e, 0].tolist()
        if village.facing[e, 0].tolist() == [1, 0] and has_frame(scene)[e, 0, -1] and 1 <= x <= 7 and 1 <= y <= 7:
            rows = slice((8 - y - 1) * size, (8 - y + 2) * size)
            cut = whole[e, :, rows, (x - 1) * size : (x + 2) * size]
            assert torch.equal(pictures[e, 0, -1], cut)
            found += 1
    assert found > 10


def test_walls_of_a_room_are_refused(jepa):
    scene = random_scene()
    scene.walls = torch.tensor([[[0.0, 0.0, 5.0, 0.0]]]).expand(len(scene), -1, -1)
    with pytest.raises(ValueError, match="cells of a grid"):
        jepa.encode(scene)


def test_an_even_square_has_no_middle():
    with pytest.raises(ValueError, match=r"model\.tokenizer\.cells=4"):
        Pixels(cells=4)


def test_gradients_reach_the_vision_transformer(jepa, village):
    jepa.encode(village).state.square().mean().backward()
    norms = [p.grad.abs().max() for p in jepa.encoder.tokenizer.vit.parameters() if p.grad is not None]
    assert len(norms) > 10
    assert max(norms) > 0
    jepa.zero_grad()


def test_it_is_saved_and_loaded_as_any_other(jepa, village, tmp_path):
    WorldModel(jepa, dt=1.0, horizon=4).save(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["model"]["tokenizer"]["width"] == 16
    again = WorldModel.load(tmp_path).jepa
    assert again.config == jepa.config
    assert torch.equal(state(again, village), state(jepa, village))
