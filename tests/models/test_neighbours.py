"""Laws of attention to the nearest few."""

import pytest
import torch

from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.models.neighbours import look_around
from jepa_social.scene import Scene
from tests.conftest import random_scene

SIZES = {"width": 16, "depth": 2, "heads": 2, "predictor_width": 16, "reaction": 8}


def model(neighbours: int) -> SocialJEPA:
    torch.manual_seed(5)
    return SocialJEPA(ModelConfig(**SIZES, neighbours=neighbours), teacher=False)


def both(neighbours: int, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    jepa = model(neighbours)
    latents = jepa.encode(scene)
    return latents.state, jepa.imagine(latents, horizon=4)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


@pytest.fixture
def crowd() -> Scene:
    """Twelve agents who see no more than six others each."""
    scene = random_scene(batch=2, agents=12, frames=6)
    scene.position[:, 6:] += 100.0
    return scene


def test_enough_neighbours_are_everybody(crowd: Scene):
    whole = both(11, crowd)
    for fewer in (10, 6):
        for a, b in zip(both(fewer, crowd), whole, strict=True):
            close(a, b)
    assert (both(2, crowd)[0] - whole[0]).abs().max() > 1e-3, "who is left out was there to be seen"


def test_enough_neighbours_give_the_same_gradients(crowd: Scene):
    gradients = []
    for neighbours in (11, 7):
        jepa = model(neighbours)
        jepa.imagine(jepa.encode(crowd), horizon=3).square().sum().backward()
        gradients.append([p.grad for p in jepa.parameters() if p.grad is not None])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)


def test_the_nearest_are_a_set_and_padding_is_nobody():
    scene = random_scene(batch=2, agents=9, frames=6)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    state, imagined = both(3, scene)
    state2, imagined2 = both(3, scene.permute(order).pad(14))
    close(state2[:, :9], state[:, order])
    close(imagined2[:, :, :9], imagined[:, :, order])


def view(position: torch.Tensor, neighbours: int) -> list[set[int]]:
    """Whom each agent of one scene sees."""
    zero, agents = torch.zeros_like(position), len(position)
    there = torch.ones(agents, dtype=torch.bool)
    sight = look_around(position, zero, zero, 0.3 * torch.ones(agents), there, reach=10.0, neighbours=neighbours)
    assert sight.pose.shape[-1] == neighbours
    assert sight.index is not None
    seen = sight.bias[:, 0] == 0
    return [set(index[mask].tolist()) for index, mask in zip(sight.index, seen, strict=True)]


def test_only_the_nearest_are_seen():
    line = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [6.0, 0.0], [15.9, 0.0]])
    assert view(line, 2) == [{1, 2}, {0, 2}, {1}, {1, 2}, {3}], "0 and 3 are equally far from 2"


def test_equals_are_seen_together_or_not_at_all():
    cross = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [-2.0, 0.0], [0.0, 2.0]])
    for order in (torch.arange(5), torch.tensor([4, 3, 2, 1, 0])):
        seen = view(cross[order], 2)
        middle = int((order == 0).nonzero())
        assert {int(order[i]) for i in seen[middle]} == {1}, "three are as far as the second place: none has it"


def test_a_stream_looks_at_the_same_few():
    scene, jepa = random_scene(batch=2, agents=9, frames=6), model(3)
    whole, stream, states = jepa.encode(scene), None, []
    for frame in range(scene.frames):
        latents, stream = jepa.encode_step(scene.between(frame, frame + 1), stream)
        states.append(latents.state)
    close(torch.cat(states, dim=2), whole.state)


def test_nobody_to_look_at_is_refused():
    with pytest.raises(ValueError, match=r"model\.neighbours=0"):
        model(0)
