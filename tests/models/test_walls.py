"""Laws of walls: seen by whom, from where, and surviving whatever is done to a scene."""

import json
import math

import pytest
import torch
from hydra.utils import instantiate

from jepa_social.evaluation.missing import drop_frames
from jepa_social.mind.world_model import WorldModel
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.latents import Anchor
from jepa_social.models.walls import Walls, wall_pose
from jepa_social.scene import FAR, Scene
from jepa_social.stages.augment import Augment
from jepa_social.stages.masking import Masking
from jepa_social.stages.noise import Noise
from jepa_social.stages.pretrain import Pretrain
from tests.conftest import random_scene
from tests.models.walled import heeding_walls, walled
from tests.stages.runs import composed

SIZES = {"width": 16, "depth": 2, "heads": 2, "predictor_width": 16, "reaction": 8}
LATERAL = [1, 3, 14, 17, 20]
"""Features that are measured to the left."""
DIRECTED = [0, 1, 2, 3, 13, 14, 16, 17, 19, 20]


@pytest.fixture
def jepa() -> SocialJEPA:
    torch.manual_seed(1)
    return heeding_walls(SocialJEPA(ModelConfig(**SIZES, walls=8)).eval())


def imagined(jepa: SocialJEPA, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    latents = jepa.encode(scene)
    return latents.state, jepa.imagine(latents, horizon=5)


def with_walls(scene: Scene, walls: torch.Tensor | None) -> Scene:
    new = scene.clone(False)
    new.walls = walls
    return new


def close(found: tuple[torch.Tensor, ...], expected: tuple[torch.Tensor, ...]) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_without_walls_nothing_changes_to_the_last_bit(jepa, scene):
    plain = SocialJEPA(ModelConfig(**SIZES)).eval()
    plain.load_state_dict({name: value for name, value in jepa.state_dict().items() if ".walls." not in name})
    expected = imagined(plain, scene)
    far = torch.full((3, 2, 4), FAR)
    for walls in (None, far, torch.zeros(3, 0, 4)):
        for a, b in zip(imagined(jepa, with_walls(scene, walls)), expected, strict=True):
            assert torch.equal(a, b)
    assert not torch.allclose(imagined(jepa, walled(scene))[0], expected[0], atol=1e-2)


@torch.no_grad()
def test_both_the_encoder_and_the_predictor_see_them(jepa, scene):
    latents = jepa.encode(walled(scene))
    seen, blind = latents.at(), latents.at()
    blind.walls = None
    assert not torch.allclose(jepa.foresee(seen, 5), jepa.foresee(blind, 5), atol=1e-2)
    assert not torch.allclose(latents.state, jepa.encode(scene).state, atol=1e-2)


@torch.no_grad()
def test_an_untrained_model_does_not_heed_them(scene):
    torch.manual_seed(1)
    jepa = SocialJEPA(ModelConfig(**SIZES, walls=8)).eval()
    for a, b in zip(imagined(jepa, walled(scene)), imagined(jepa, scene), strict=True):
        assert torch.equal(a, b)


@torch.no_grad()
def test_order_ends_and_padding_of_walls_change_nothing(jepa, scene):
    scene = walled(scene)
    assert scene.walls is not None
    expected, walls = imagined(jepa, scene), scene.walls
    close(imagined(jepa, with_walls(scene, walls[:, torch.tensor([2, 0, 3, 1])])), expected)
    swapped = walls.clone()
    swapped[:, ::2] = walls[:, ::2].unflatten(-1, (2, 2)).flip(2).flatten(2)
    close(imagined(jepa, with_walls(scene, swapped)), expected)
    more = Scene.collate([scene, walled(random_scene(batch=1, seed=3), walls=9)])
    assert more.walls is not None
    assert more.walls.shape == (4, 9, 4)
    close(tuple(value[:3] for value in imagined(jepa, more)), expected)


def pose_of(walls: list, velocity=(1.0, 0.0), heading: float | None = 0.0, radius: float = 0.3) -> torch.Tensor:
    """Features `[W,2,F]` of walls that one agent at the origin sees."""
    ahead = torch.zeros(2) if heading is None else torch.tensor([math.cos(heading), math.sin(heading)])
    return wall_pose(
        torch.tensor(walls), torch.zeros(2), torch.tensor(velocity), ahead, torch.tensor(radius)
    )[0]  # fmt: skip


def test_what_is_ahead_and_when_it_is_met():
    ((one, other),) = pose_of([[2.0, -1.0, 2.0, 3.0]])  # two metres ahead, across the way, farther to the left
    assert one[0] == pytest.approx(0.8)
    assert one[1] == 0
    assert one[4] == pytest.approx(0.2), "distance"
    assert one[6] == pytest.approx(0.5), "comes nearer at 1 m/s"
    assert one[7] == pytest.approx(math.exp(-1.7)), "touched in 1.7 s"
    gaps = [2.0 - 0.3, 1.5 - 0.3, 1.0 - 0.3, -0.3, 1.0 - 0.3]  # after 3 s it would be behind it
    torch.testing.assert_close(one[8:13], torch.tensor(gaps).mul(-2).exp())
    assert one[19:].tolist() == [0.0, 1.0]
    assert other[19:].tolist() == [0.0, -1.0]
    torch.testing.assert_close(one[13:19], other[[16, 17, 18, 13, 14, 15]])
    beside = pose_of([[2.0, 1.0, 2.0, 3.0]])[0, 0]
    assert beside[11] == pytest.approx(math.exp(-2 * 0.7)), "passed at 0.7 m"
    assert pose_of([[2.0, -1.0, 2.0, 3.0]], velocity=(-1.0, 0.0))[0, 0, 7] == 0, "walked away from"


def test_a_reflection_changes_signs_of_what_lies_to_the_left_only():
    walls, velocity = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).tolist(), (0.6, 0.7)
    before = pose_of(walls, velocity, heading=0.4)
    reflected = [[x0, -y0, x1, -y1] for x0, y0, x1, y1 in walls]
    sign = torch.ones(before.shape[-1])
    sign[LATERAL] = -1
    after = pose_of(reflected, (0.6, -0.7), heading=-0.4)
    torch.testing.assert_close(after, before * sign)


@torch.no_grad()
def test_mirrored_logs_keep_their_walls_beside_their_people(jepa, scene):
    """What an augmented log tells is what the same log, mirrored by hand, would."""
    scene = walled(scene)
    assert scene.walls is not None
    flip = torch.tensor([1.0, -1.0])
    by_hand = Scene.from_arrays(
        scene.position * flip, 0.4, present=scene.present, ego=scene.ego, walls=scene.walls * flip.repeat(2)
    )
    close(imagined(jepa, Augment(mirror=1.0)(scene)), imagined(jepa, by_hand))


def test_who_faces_nowhere_sees_distances_only():
    pose = pose_of([[2.0, -1.0, 2.0, 3.0], [-1.0, 0.5, 4.0, 0.7]], velocity=(0.0, 0.0), heading=None)
    assert not pose[..., DIRECTED].any()
    assert pose[..., [4, 5, 8, 9, 12, 15, 18]].all()


@torch.no_grad()
def test_walls_come_into_sight_gradually():
    torch.manual_seed(0)
    walls = heeding_walls(Walls(8, 4, reach=5.0))

    def seen(away: float) -> torch.Tensor:
        one = torch.tensor([[away, -1.0, away, 1.0]])
        return walls(one, torch.zeros(2), torch.zeros(2), torch.tensor([1.0, 0.0]), torch.tensor(0.3))

    assert not seen(5.0).any()
    assert not seen(50.0).any()
    assert 0 < seen(4.9).abs().max() < 0.05 * seen(2.0).abs().max()


@torch.no_grad()
def test_what_is_added_is_found_in_few_steps(scene):
    """What the last layer, zero at first, has to choose from is of the order of tokens: at a tenth it stays unread."""
    torch.manual_seed(0)
    encoder, got = SocialJEPA(ModelConfig(walls=32)).encoder, []
    assert encoder.walls is not None
    encoder.walls.add.register_forward_hook(lambda _, given, __: got.append(given[0]))
    encoder(walled(scene))
    assert 0.1 < got[0].square().mean().sqrt() < 1.0


def test_all_of_it_learns(scene):
    torch.manual_seed(0)
    config = composed("train", "model.walls=8", *(f"model.{name}={size}" for name, size in SIZES.items()))
    stage = Pretrain(
        SocialJEPA(ModelConfig.of(config.model), teacher=False), instantiate(config.objective),
        instantiate(config.pretrain.schedule), instantiate(config.augment), horizon=3,
    )  # fmt: skip
    optimizer = torch.optim.SGD(stage.parameters(), lr=0.1)
    for _ in range(2):  # in the first step only the last layer, which is zero
        optimizer.zero_grad()
        stage.terms(walled(scene))[0].total.backward()
        optimizer.step()
    learned = {name: p.grad for name, p in stage.named_parameters() if ".walls." in name}
    assert len(learned) == 8
    assert all(grad is not None and grad.isfinite().all() and grad.any() for grad in learned.values())


SURVIVED = {
    "noise": lambda scene: Noise(share=1.0)(scene),
    "masking": lambda scene: Masking(agents=0.3, time=0.3)(scene, 7),
    "missing": lambda scene: drop_frames(scene, 0.3, [0, 1, 2]),
    "between": lambda scene: scene.between(2, 9),
    "permute": lambda scene: scene.permute(torch.tensor([4, 0, 3, 1, 2])),
    "nearest": lambda scene: scene.nearest(3),
    "pad": lambda scene: scene.pad(9),
    "resampled": lambda scene: scene.resampled(0.5),
}


@pytest.mark.parametrize("change", SURVIVED.values(), ids=SURVIVED)
def test_walls_survive_what_is_done_to_agents(change, scene):
    scene = walled(scene)
    assert torch.equal(change(scene).walls, scene.walls)


def test_anchors_carry_them(jepa, scene):
    latents = jepa.encode(walled(scene))
    walls = latents.scene.walls
    anchor = Anchor.cat([latents.at(5), latents.at(torch.tensor([3, 4, 5]))])
    assert torch.equal(anchor.walls, torch.cat((walls, walls)))
    assert torch.equal(anchor.select(torch.tensor([[2, 0]]).expand(6, -1)).walls, anchor.walls)
    assert Anchor.cat([jepa.encode(scene).at()] * 2).walls is None


def test_models_of_before_load_and_see_none(tmp_path, scene):
    model = WorldModel(SocialJEPA(ModelConfig(**SIZES)), dt=0.4, horizon=5)
    model.save(tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    assert about["model"].pop("walls") == 0
    (tmp_path / "config.json").write_text(json.dumps(about))
    loaded = WorldModel.load(tmp_path)
    assert torch.equal(loaded.forecast(walled(scene)), model.eval().forecast(scene))


def test_a_width_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"model\.walls=-1 must be >= 0"):
        SocialJEPA(ModelConfig(**SIZES, walls=-1))
