import pytest
import torch

from jepa_social.geometry import swept_distance
from jepa_social.planning.reactive import Orca, SocialForce, StraightLine
from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import CROWDNAV
from jepa_social.worlds.scenarios import CircleCrossing
from tests.conftest import random_scene

POLICIES = [StraightLine(), SocialForce(), SocialForce(10.0, 0.5), Orca(), Orca(margin=0.15)]


def names(policy) -> str:
    return policy.name


def meeting(others=((1.5, 0.1),), ego=0) -> Scene:
    """An ego at the origin that wants to go 6 m along x, and people who come towards it at 1 m/s."""
    position = torch.zeros(1 + len(others), 2, 2)
    position[1:] = torch.tensor(others).view(-1, 1, 2)
    position[1:, 0, 0] += 0.25
    position[0, 0, 0] = -0.25
    return Scene.from_arrays(position, 0.25, ego=ego, goal=(6.0, 0.0), speed=1.0)


@pytest.mark.parametrize("policy", POLICIES, ids=names)
def test_alone_everybody_goes_straight_and_stops_on_the_goal(policy):
    scene = Scene.from_arrays(torch.zeros(1, 1, 2), 0.25, ego=0, goal=(0.9, 1.2), speed=1.0)
    place, travelled = torch.zeros(1, 2), []
    for _ in range(20):
        scene.position[:, 0, -1] = place
        velocity = policy.act(scene)
        assert (velocity.norm(dim=-1) <= 1.0 + 1e-6).all()
        scene.velocity[:, 0, -1] = velocity
        place = place + 0.25 * velocity
        travelled.append((place @ torch.tensor([0.6, 0.8])).item())
    torch.testing.assert_close(place, torch.tensor([[0.9, 1.2]]), rtol=0, atol=0.02)
    assert max(travelled) <= 1.5 + 1e-5, "never beyond the goal"


@pytest.mark.parametrize("policy", POLICIES, ids=names)
def test_order_padding_and_batch_do_not_matter(policy):
    scene = random_scene(batch=4, agents=6)
    action = policy.act(scene)
    assert action.shape == (4, 2)
    shuffled = scene.permute(torch.tensor([4, 0, 5, 2, 1, 3]))
    torch.testing.assert_close(policy.act(shuffled), action, rtol=0, atol=1e-5)
    torch.testing.assert_close(policy.act(scene.pad(9)), action, rtol=0, atol=1e-5)
    torch.testing.assert_close(policy.act(scene[2:3]), action[2:3], rtol=0, atol=1e-5)


@pytest.mark.parametrize("policy", POLICIES, ids=names)
def test_turning_the_world_turns_the_action(policy):
    scene = random_scene(batch=3, agents=6)
    turned = policy.act(scene.transform(torch.tensor(1.1), (3.0, -2.0)))
    rotation = torch.tensor(1.1)
    expected = policy.act(scene) @ torch.tensor([[rotation.cos(), rotation.sin()], [-rotation.sin(), rotation.cos()]])
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("policy", POLICIES[1:], ids=names)
def test_people_in_the_way_are_avoided_and_absent_ones_are_not(policy):
    straight = StraightLine().act(meeting())
    assert (policy.act(meeting()) - straight).norm() > 0.01
    gone = meeting()
    gone.present[:, 1, -1] = False
    near_ghost = gone.clone()
    near_ghost.position[:, 1, -1] = torch.tensor([0.4, 0.05])
    torch.testing.assert_close(policy.act(gone), straight)
    torch.testing.assert_close(policy.act(near_ghost), straight)


def test_reading_only_the_last_frame():
    scene, other = random_scene(seed=3), random_scene(seed=3)
    other.position[:, :, :-1] += 1.0
    other.velocity[:, :, :-1] -= 1.0
    for policy in POLICIES:
        assert torch.equal(policy.act(scene), policy.act(other))


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"scene\.goal and scene\.speed"):
        StraightLine().act(Scene.from_arrays(torch.zeros(1, 1, 2), 0.25, ego=0))
    with pytest.raises(ValueError, match="scene 0 has no ego"):
        Orca().act(meeting(ego=-1))


def outcomes(policy, episodes: int = 200):
    """Shares of success and collision in CrowdNav's standard test (circle, 5 people, invisible ego)."""
    world = Crowd(CircleCrossing(), 5, CROWDNAV)
    scene = world.reset(range(episodes))
    arrived = torch.zeros(episodes, dtype=torch.bool)
    collided = torch.zeros(episodes, dtype=torch.bool)
    for _ in range(100):
        scene = world.step(policy.act(scene))
        relative = scene.position[:, 1:, -2:] - scene.position[:, :1, -2:]
        gap = swept_distance(relative[:, :, 0], relative[:, :, 1]) - 0.6
        collided = collided | ((gap < 0).any(1) & ~arrived)
        arrived = arrived | (world.arrived & ~collided)
    return arrived.float().mean().item(), collided.float().mean().item()


@pytest.mark.parametrize(
    ("policy", "success", "collision"),
    [(StraightLine(), 0.026, 0.974), (Orca(), 0.426, 0.568), (Orca(0.15), 0.904, 0.080)],
    ids=["straight", "orca", "orca 0.15"],
)
def test_baselines_score_as_in_crowdnav(policy, success, collision):
    """Rows measured on CrowdNav itself with 500 cases; 200 of ours must lie within three standard errors of both."""
    ours = outcomes(policy)
    for mine, theirs in zip(ours, (success, collision), strict=True):
        assert abs(mine - theirs) < 3 * (theirs * (1 - theirs) * (1 / 200 + 1 / 500)) ** 0.5
