"""Scores that tell one's own group, strangers and walls apart; social work; what people lose; batches."""

import math

import pytest
import torch
from tensordict import TensorDict

from jepa_social.evaluation.disturbance import disturbances
from jepa_social.evaluation.episodes import Episodes, cut_at, decided, endings
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.navigation_metrics import SCORES, NavigationMetrics
from jepa_social.evaluation.runner import run_episodes
from jepa_social.evaluation.social_work import interaction, social_work
from jepa_social.planning.habits import Patient
from jepa_social.planning.reactive import StraightLine
from jepa_social.scene import Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.scenarios import CircleCrossing, DenseSquare
from tests.evaluation.toy import Polite, Straight, ToyWorld


def line(start, step, frames):
    return [[start[0] + k * step[0], start[1] + k * step[1]] for k in range(frames)]


def episodes_of(paths, goal, group, walls=None) -> Episodes:
    """One replayed episode from `paths [N,T,2]`, the ego first, with `group [N]` ids."""
    scene = Scene.from_arrays(torch.as_tensor(paths).float()[None], 1.0, ego=0, goal=[goal], walls=walls)
    scene.truth = TensorDict({"group": torch.tensor([group])}, batch_size=[1])
    target, limit, human = torch.tensor([goal]).float(), torch.tensor([100.0]), torch.tensor([10.0])
    stop = endings(scene, target, limit)
    return Episodes(
        "made", cut_at(scene, stop), stop, target, limit, torch.tensor([0]), ["made"], torch.tensor([1.0]), human, human
    )


EGO = line((0, 0), (1, 0), 11)
FRIEND = line((0, 0.5), (1, 0), 11)
STANDS = line((5, 0.3), (0, 0), 11)
FAR_OFF = line((5, 9), (0, 0), 11)


def test_touching_ones_own_group_is_scored_and_ends_nothing():
    scores = navigation(episodes_of([EGO, FRIEND, FAR_OFF], (10, 0), [4, 4, -1]))
    assert (scores.success.item(), scores.collision.item(), scores.timeout.item()) == (0, 1, 0)
    assert (scores.success_strangers.item(), scores.collision_strangers.item()) == (1, 0)
    assert (scores.collision_group.item(), scores.near_group.item(), scores.near_strangers.item()) == (1, 1, 0)
    assert (scores.near.item(), scores.personal_space.item()) == (1, 0)
    assert scores.centre_distance.item() == pytest.approx(0.5)
    assert episodes_of([EGO, FRIEND], (10, 0), [4, 4]).stop.item() == 10


def test_touching_a_stranger_ends_the_walk_beside_friends():
    for group in ([4, 4, -1], [4, 4, 7], [-1, -1, -1]):
        episodes = episodes_of([EGO, line((0, 0.9), (1, 0), 11), STANDS], (10, 0), group)
        scores = navigation(episodes)
        assert (episodes.stop.item(), scores.collision.item(), scores.success_strangers.item()) == (5, 1, 0)
        assert scores.collision_strangers.item() == 1
        grouped = group[0] >= 0
        assert math.isnan(scores.collision_group.item()) != grouped, "nobody's group is nobody's company"
        assert math.isnan(scores.near_group.item()) != grouped
        assert scores.near_strangers.item() == pytest.approx(0.2 if grouped else 1.0)


def test_a_contact_that_nobody_could_help_is_told_apart():
    beside, met = line((0, 0.5), (0, 0), 11), line((5, 0.3), (0, 0), 11)
    for other, given in ((beside, 1), (met, 0), (line((0, 9), (0, 0), 11), 0)):
        scores = navigation(episodes_of([EGO, other], (10, 0), [-1, -1]))
        assert scores.contact_at_start.item() == given
        assert scores.success.item() == float(other[0][1] > 1), "and it is a collision all the same"


def test_a_world_that_knows_no_groups_has_strangers_only():
    scene = Scene.from_arrays(torch.tensor([EGO, FRIEND])[None].float(), 1.0, ego=0)
    assert decided(scene, torch.tensor([[10.0, 0.0]]))[0, 0]


def test_walls_are_told_from_people():
    wall = [[[6.0, -1.0, 6.0, 1.0]]]
    scores = navigation(episodes_of([EGO, FAR_OFF], (10, 0), [-1, -1], wall))
    assert (scores.collision.item(), scores.collision_walls.item(), scores.collision_strangers.item()) == (1, 1, 0)
    scores = navigation(episodes_of([EGO, STANDS], (10, 0), [-1, -1], wall))
    assert (scores.collision.item(), scores.collision_walls.item(), scores.collision_strangers.item()) == (1, 0, 1)
    assert math.isnan(navigation(episodes_of([EGO, STANDS], (10, 0), [-1, -1])).collision_walls.item())


def test_halls_zones():
    # Centres 0.9, 1.4, 3.0 and 9 m off at the ends of four steps: c = 0.3, 0.8, 2.4, 8.4.
    ego = line((0, 0), (0, 0), 5)
    other = [[9.0, 0.0], [9.0, 0.0], [3.0, 0.0], [1.4, 0.0], [0.9, 0.0]]
    scores = navigation(episodes_of([ego, other], (20, 0), [-1, -1]))
    found = [getattr(scores, zone).item() for zone in ("intimate", "personal", "social", "near")]
    assert found == pytest.approx([0.25, 0.25, 0.25, 0.25])


def test_social_work_of_a_head_on_pair():
    # 2 m apart, closing at 2 m/s: |2·2 + 1| = 5, B = 0.35·5, no angle, so 2.1 exp(-2 / 1.75) on each.
    scene = Scene.from_arrays([line((0, 0), (1, 0), 2), line((4, 0), (-1, 0), 2)], 1.0, ego=0)
    force = 2.1 * math.exp(-2 / 1.75)
    assert social_work(scene, torch.ones(1, 1, dtype=torch.bool)).item() == pytest.approx(2 * force, rel=1e-5)
    assert social_work(scene, torch.zeros(1, 1, dtype=torch.bool)).item() == 0


def test_social_forces_push_apart_and_are_mirrored():
    offset, velocity = torch.tensor([1.5, 0.4]), torch.tensor([1.2, -0.1])
    force, mirrored = (
        interaction(offset, velocity),
        interaction(offset * torch.tensor([1, -1]), torch.tensor([1.2, 0.1])),
    )
    torch.testing.assert_close(force * torch.tensor([1, -1]), mirrored)
    assert float((force * offset).sum()) < 0, "away from the other"
    torch.testing.assert_close(interaction(-offset, -velocity), -force)
    assert interaction(3 * offset, velocity).norm() < force.norm()


def test_walls_push_the_ego():
    along = [line((0, 0), (1, 0), 2)]
    scene = Scene.from_arrays(along, 1.0, ego=0, walls=[[[-5.0, 0.5, 9.0, 0.5], [-5.0, 4.0, 9.0, 4.0]]])
    assert social_work(scene, torch.ones(1, 1, dtype=torch.bool)).item() == pytest.approx(10 * math.exp(-0.2 / 0.2))


def test_batches_add_up_to_the_whole():
    toys = run_episodes(ToyWorld(), Straight(), range(23))
    whole, pieces = NavigationMetrics(), NavigationMetrics()
    whole.update(toys)
    for index in (range(1), range(1, 12), range(12, 23)):
        pieces.update(toys.select(index))
    expected = navigation(toys).columns()
    assert tuple(expected) == SCORES
    for name, value in whole.compute().items():
        torch.testing.assert_close(value.float(), expected[name].nanmean(), equal_nan=True, msg=name)
        torch.testing.assert_close(pieces.compute()[name], value, equal_nan=True, rtol=1e-6, atol=1e-7, msg=name)
    assert 0 < whole.compute()["success"] < 1
    pieces.reset()
    assert pieces.compute()["success"].isnan()


def test_whom_people_do_not_see_disturbs_nobody_and_whom_they_see_does():
    seeds, policies = range(4), (StraightLine(), Polite("polite"))
    scenarios = (CircleCrossing(), DenseSquare(people=(6, 8)))
    unseen, seen = (Crowd(scenarios, (3, 4), visible=visible, limit=7.0) for visible in (False, True))
    free = disturbances(unseen, [run_episodes(unseen, policy, seeds, batch=2) for policy in policies])
    walks = [run_episodes(seen, policy, seeds, batch=2) for policy in policies]
    cost = disturbances(unseen, walks)
    assert list(cost) == ["straight line", "polite"]
    for policy, values in free.items():
        assert all(set(column) == {0.0} for column in values.values()), "exactly"
        assert len(cost[policy]["delay"]) == len(seeds)
        assert max(cost[policy]["deviation"]) > 0.02
    with pytest.raises(ValueError, match="same seeds"):
        disturbances(unseen, [run_episodes(ToyWorld(), Straight(), some) for some in ([1, 2], [1, 3])])


def test_what_an_episode_costs_people_does_not_depend_on_its_company():
    scenarios = (CircleCrossing(), DenseSquare(people=(6, 8)))
    unseen, seen = (Crowd(scenarios, (3, 4), visible=visible, limit=14.0) for visible in (False, True))
    fast = run_episodes(seen, StraightLine(), range(6))
    slow = run_episodes(seen, Patient(), range(6))
    assert slow.scene.frames > fast.scene.frames
    alone = disturbances(unseen, [fast])["straight line"]
    assert disturbances(unseen, [slow, fast])["straight line"] == alone
    few = disturbances(unseen, [fast.select([2, 3])])["straight line"]
    assert few == {name: values[2:4] for name, values in alone.items()}
