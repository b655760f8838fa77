import pytest
import torch

from jepa_social.geometry import closest_on_segment, rotate
from jepa_social.scene import FAR
from jepa_social.worlds.route import CLEAR, Route, waypoint

DOOR = [(0.0, -3.0, 0.0, -0.8), (0.0, 0.8, 0.0, 3.0)]
ROOM = [*DOOR, (-5.0, -3.0, 5.0, -3.0), (-5.0, 3.0, 5.0, 3.0), (-5.0, -3.0, -5.0, 3.0), (5.0, -3.0, 5.0, 3.0)]
MAZE = [
    (0.0, -1.0, 0.0, 9.0),
    (3.0, -9.0, 3.0, 1.0),
    (6.0, -1.0, 6.0, 9.0),
    (-3.0, 9.0, 9.0, 9.0),
    (-3.0, -9.0, 9.0, -9.0),
]


def ask(position, goal, walls, radius=0.3):
    """`waypoint` of one scene, or of several starts with the same goal and walls."""
    here = torch.tensor(position).view(-1, 2)
    batch = len(here)
    solid = torch.tensor(walls).expand(batch, -1, 4)
    return waypoint(here, torch.tensor(goal).expand(batch, 2), solid, torch.full((batch,), radius))


def random_case(batch=64, walls=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    position, goal = 5 * torch.randn(2, batch, 2, generator=generator)
    middle = 3 * torch.randn(batch, walls, 2, generator=generator)
    half = 2 * torch.randn(batch, walls, 2, generator=generator)
    return position, goal, torch.cat((middle - half, middle + half), dim=-1), torch.full((batch,), 0.3)


def left(position, goal, walls, radius):
    """`Route.left` from one place a scene."""
    return Route(goal, walls, radius).left(position[:, None])[:, 0]


def walk(position, goal, walls, radius=0.3, stride=0.1, steps=600):
    """Follow the waypoint; the path `[T,2]` up to the goal."""
    here, target = torch.tensor([position]), torch.tensor([goal])
    path = [here]
    while len(path) < steps and (here - target).norm() > stride:
        to = waypoint(here, target, torch.tensor([walls]), torch.tensor([radius])) - here
        here = here + stride * to / to.norm().clamp(min=stride)
        path.append(here)
    return torch.cat(path)


def test_a_goal_in_sight_is_headed_for():
    assert ask((-4.0, 0.0), (4.0, 0.2), ROOM).tolist() == [[4.0, pytest.approx(0.2)]]
    assert ask((-4.0, -2.0), (-1.0, 2.0), ROOM).tolist() == [[-1.0, 2.0]]
    here, goal = torch.zeros(2, 2), torch.ones(2, 2)
    assert torch.equal(waypoint(here, goal, None, torch.ones(2)), goal)
    assert torch.equal(waypoint(here, goal, torch.zeros(2, 0, 4), torch.ones(2)), goal)


def test_a_hidden_goal_is_reached_round_the_nearer_end_of_the_opening():
    aim = ask([(-2.0, 2.0), (-2.0, -2.0), (-0.6, 0.9)], (4.0, 0.0), ROOM)
    torch.testing.assert_close(aim[0] * torch.tensor([1.0, -1.0]), aim[1])
    corner = torch.tensor([0.0, 0.8 - 0.3 - CLEAR])
    leg = torch.tensor([4.0, 0.0]) - corner
    for beyond in (aim[0] - corner, aim[2] - corner):
        assert 0.0 < beyond.norm() <= 0.71, "a little beyond the corner"
        torch.testing.assert_close(beyond / beyond.norm(), leg / leg.norm(), rtol=0, atol=1e-4)
    tip, start = torch.tensor([0.0, 0.8]), torch.tensor([-2.0, 2.0])
    assert (closest_on_segment(tip, start, aim[0]) - tip).norm() >= 0.3, "the disc passes by the wall's end"


@pytest.mark.parametrize(
    ("start", "goal", "walls", "length"),
    [((-2.0, 2.5), (3.0, -2.5), ROOM, 7.2), ((-2.0, 0.0), (8.0, 0.0), MAZE, 13.3)],
    ids=["doorway", "slalom"],
)
def test_following_it_arrives_by_a_short_way_and_touches_nothing(start, goal, walls, length):
    path = walk(start, goal, walls)
    assert (path[-1] - torch.tensor(goal)).norm() <= 0.11
    assert len(path) * 0.1 < length
    wall = torch.tensor(walls)[:, None]
    assert (closest_on_segment(path, wall[..., :2], wall[..., 2:]) - path).norm(dim=-1).min() > 0.3 - 0.005


@pytest.mark.parametrize(("start", "goal", "walls"), [((-2.0, 2.5), (3.0, 1.5), ROOM), ((-2.0, 0.0), (8.0, 0.0), MAZE)])
def test_the_way_left_is_as_long_as_the_way_walked(start, goal, walls):
    path = walk(start, goal, walls)
    walked = path.diff(dim=0).norm(dim=-1)
    rest = walked.flip(0).cumsum(0).flip(0) + (path[-1] - torch.tensor(goal)).norm()
    left = Route(torch.tensor([goal]), torch.tensor([walls]), torch.tensor([0.3])).left(path[None, :-1])[0]
    assert (left - rest).abs().max() < 0.5, "who walks cuts corners a little"
    assert (left.diff() < 0).float().mean() > 0.9, "it shrinks on the way"
    straight = (path[:-1] - torch.tensor(goal)).norm(dim=-1)
    assert (left > straight - 1e-5).all()
    assert left[0] > straight[0] + 0.1
    assert left[-1] == straight[-1]


def test_no_way_means_straight_on():
    shut = [(-1.0, -1.0, 1.0, -1.0), (-1.0, 1.0, 1.0, 1.0), (-1.0, -1.0, -1.0, 1.0), (1.0, -1.0, 1.0, 1.0)]
    narrow = [(0.0, -9.0, 0.0, -0.25), (0.0, 0.25, 0.0, 9.0), (0.0, 9.0, -9.0, 9.0), (-9.0, 9.0, -9.0, -9.0)]
    narrow.append((-9.0, -9.0, 0.0, -9.0))
    assert ask((0.0, 0.0), (5.0, 2.0), shut).tolist() == [[5.0, 2.0]]
    assert ask((-3.0, 3.0), (5.0, 2.0), narrow).tolist() == [[5.0, 2.0]]
    assert ask((-3.0, 3.0), (5.0, 2.0), narrow, radius=0.15).tolist() != [[5.0, 2.0]], "the slim one passes"
    left = Route(torch.tensor([(3.0, 4.0)]), torch.tensor([shut]), torch.tensor([0.3])).left(torch.zeros(1, 2, 2))
    assert left.tolist() == [[5.0, 5.0]]


def test_order_and_padding_of_walls_and_company_change_nothing():
    position, goal, walls, radius = random_case()
    aim = waypoint(position, goal, walls, radius)
    assert 0.2 < (aim != goal).any(-1).float().mean() < 0.8, "the case is worth testing"
    order = torch.tensor([3, 0, 4, 1, 2])
    swapped = walls.unflatten(-1, (2, 2)).flip(2).flatten(2)
    padded = torch.cat((walls, torch.full((len(walls), 3, 4), FAR)), dim=1)[:, torch.tensor([6, 0, 1, 5, 2, 7, 3, 4])]
    for other in (walls[:, order], swapped, padded):
        torch.testing.assert_close(waypoint(position, goal, other, radius), aim, rtol=0, atol=1e-5)
        torch.testing.assert_close(left(position, goal, other, radius), left(position, goal, walls, radius))
    for asked in (waypoint, left):
        alone = [asked(*(x[i : i + 1] for x in (position, goal, walls, radius))) for i in range(len(goal))]
        torch.testing.assert_close(torch.cat(alone), asked(position, goal, walls, radius), rtol=0, atol=1e-5)


def test_a_rigid_motion_moves_the_answer():
    position, goal, walls, radius = random_case(seed=1)
    turn, shift = torch.tensor(0.8), torch.tensor([2.0, -1.0])

    def moved(point):
        return rotate(point, turn) + shift

    solid = moved(walls.unflatten(-1, (2, 2))).flatten(2)
    aim = waypoint(moved(position), moved(goal), solid, radius)
    torch.testing.assert_close(aim, moved(waypoint(position, goal, walls, radius)), rtol=0, atol=1e-3)
    length = left(moved(position), moved(goal), solid, radius)
    torch.testing.assert_close(length, left(position, goal, walls, radius), rtol=0, atol=1e-3)


def test_walls_that_are_touched_do_not_trap():
    """Pressed against the wall beside the opening, the way on still leads along it and through."""
    path = walk((-0.3, 2.0), (3.0, 0.0), ROOM)
    assert (path[-1] - torch.tensor([3.0, 0.0])).norm() <= 0.11
    path = walk((-0.25, 0.9), (3.0, 2.0), ROOM)
    assert (path[-1] - torch.tensor([3.0, 2.0])).norm() <= 0.11
    squeezed = ask((-0.3, 0.9), (4.0, 0.0), ROOM)[0]
    assert squeezed.tolist() == pytest.approx([0.0, 0.35], abs=1e-5), "no way with room to spare: to the corner itself"
