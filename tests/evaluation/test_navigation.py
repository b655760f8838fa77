"""Navigation scores on paths computed by hand, and their laws."""

import math

import pytest
import torch

from jepa_social.evaluation.disturbance import AHEAD, disturbance
from jepa_social.evaluation.episodes import Episodes, cut_at, endings, pad_frames
from jepa_social.evaluation.navigation import navigation, time_to_collision
from jepa_social.evaluation.runner import run_episodes
from jepa_social.scene import Scene
from jepa_social.worlds.clearance import people_clearance, wall_clearance
from tests.evaluation.toy import Polite, Straight, ToyWorld


def episodes_of(paths, goal, dt=1.0, limit=100.0, radius=0.3, human=(None, None), walls=None) -> Episodes:
    """One episode from `paths [N,T,2]`, the ego first."""
    position = torch.as_tensor(paths, dtype=torch.float32)[None]
    scene = Scene.from_arrays(position, dt, ego=0, radius=radius, goal=[goal], walls=walls)
    target, most = torch.tensor([goal], dtype=torch.float32), torch.tensor([float(limit)])
    stop = endings(scene, target, most)
    length, time = (None if value is None else torch.tensor([value]) for value in human)
    return Episodes(
        "toy", cut_at(scene, stop), stop, target, most, torch.tensor([0]), ["toy"], torch.tensor([2.0]), length, time
    )


def line(start, step, frames):
    return [[start[0] + k * step[0], start[1] + k * step[1]] for k in range(frames)]


def test_straight_run_past_a_standing_person():
    # The ego walks x = 0..10, somebody stands at (5, 1): the least centre distance 1.0 is met at x = 5.
    scores = navigation(episodes_of([line((0, 0), (1, 0), 11), line((5, 1), (0, 0), 11)], (10, 0), human=(12.5, 8.0)))
    assert (scores.success.item(), scores.collision.item(), scores.timeout.item()) == (1, 0, 0)
    assert scores.navigation_time.item() == 10
    assert scores.path_efficiency.item() == pytest.approx(1)
    assert scores.spl.item() == pytest.approx(1)
    assert scores.minimum_distance.item() == pytest.approx(0.4, abs=1e-6)
    assert scores.discomfort.item() == 0
    assert math.isnan(scores.discomfort_distance.item())
    assert scores.personal_space.item() == pytest.approx(0.8)  # the steps 4-5 and 5-6 touch the circle of 1 m
    assert scores.intimate.item() == pytest.approx(0.2)
    assert scores.jerk.item() == pytest.approx(0, abs=1e-4)
    assert scores.path_ratio.item() == pytest.approx(0.8)
    assert scores.time_ratio.item() == pytest.approx(1.25)
    assert scores.decision_ms.item() == 2.0


def test_detour_costs_efficiency():
    path = [[0.0, 0.0], [0.0, 3.0], [4.0, 3.0], [4.0, 0.0]]
    scores = navigation(episodes_of([path], (4, 0), limit=50))
    assert scores.path_efficiency.item() == pytest.approx(0.4)
    assert scores.spl.item() == pytest.approx(0.4)
    assert scores.navigation_time.item() == 3
    # Δ³p = p3 - 3 p2 + 3 p1 - p0 = (4 - 12, 0 - 9 + 9) = (-8, 0)
    assert scores.jerk.item() == pytest.approx(8.0)
    assert math.isnan(scores.minimum_distance.item())
    assert scores.personal_space.item() == 1


def test_swept_collision_between_frames():
    # They swap places within one step and never overlap at a frame.
    scores = navigation(episodes_of([line((0, 0), (2, 0), 6), line((2, 0), (-2, 0), 6)], (10, 0)))
    assert scores.collision.item() == 1
    assert scores.spl.item() == 0
    assert scores.minimum_distance.item() == pytest.approx(-0.6)
    assert math.isnan(scores.navigation_time.item())
    assert math.isnan(scores.path_efficiency.item())


def test_collision_wins_over_the_goal_in_the_same_step():
    scores = navigation(episodes_of([line((0, 0), (1, 0), 3), line((1, 0.5), (0, 0), 3)], (1, 0)))
    assert (scores.success.item(), scores.collision.item()) == (0, 1)


def test_timeout():
    scores = navigation(episodes_of([line((0, 0), (0.1, 0), 30)], (10, 0), dt=0.5, limit=5.0))
    assert (scores.timeout.item(), scores.success.item(), scores.collision.item()) == (1, 0, 0)


def test_discomfort_counts_steps_below_a_fifth_of_a_metre():
    # c = 0.1 beside the person for the steps that reach x = 5: two of ten.
    scores = navigation(episodes_of([line((0, 0), (1, 0), 11), line((5, 0.7), (0, 0), 11)], (10, 0)))
    assert scores.discomfort.item() == pytest.approx(0.2)
    assert scores.discomfort_distance.item() == pytest.approx(0.1, abs=1e-6)
    assert scores.minimum_distance.item() == pytest.approx(0.1, abs=1e-6)


def test_time_to_collision_of_a_head_on_pair():
    # Gap of 10 m, closing at 2 m/s, discs touch at 0.6 m: 4.7 s now, 3.7 s one step later.
    scene = Scene.from_arrays([line((0, 0), (1, 0), 3), line((12, 0), (-1, 0), 3)], 1.0, ego=0)
    assert time_to_collision(scene)[0, 1, 1:].tolist() == pytest.approx([4.7, 3.7])
    apart = Scene.from_arrays([line((0, 0), (-1, 0), 3), line((12, 0), (1, 0), 3)], 1.0, ego=0)
    assert time_to_collision(apart)[0, 1, 1:].tolist() == [math.inf, math.inf]


def test_share_of_dangerous_steps():
    # Closing at 1 m/s on somebody standing at 3.6 m off the last frame: danger below 0.95 + 0.6 m.
    path = line((0, 0), (1, 0), 5)
    scores = navigation(episodes_of([path, line((5.5, 0), (0, 0), 5)], (4, 0)))
    assert scores.ttc_danger.item() == pytest.approx(0.25)  # only at x = 4, 1.5 m off, 0.9 s


def test_walls_collide():
    wall = [[[2.0, -1.0, 2.0, 1.0]]]
    scores = navigation(episodes_of([line((0, 0), (1.5, 0), 8)], (9, 0), walls=wall))
    assert scores.collision.item() == 1
    scene = Scene.from_arrays([line((0, 0), (1, 0), 2)], 1.0, ego=0, walls=[[[0.0, 1.0, 9.0, 1.0]]])
    assert wall_clearance(scene).item() == pytest.approx(0.7)


def test_who_appears_late_counts_from_then():
    nan = float("nan")
    late = [[nan, nan], [nan, nan], [2.0, 0.7], [nan, nan]]
    scene = Scene.from_arrays([line((0, 0), (1, 0), 4), late], 1.0, ego=0)
    assert people_clearance(scene)[0].tolist() == pytest.approx([math.inf, 0.1, math.inf])


@pytest.fixture(scope="module")
def toys() -> Episodes:
    return run_episodes(ToyWorld(), Straight(), range(40))


def test_outcomes_partition_and_vary(toys):
    scores = navigation(toys)
    assert torch.equal(scores.success + scores.collision + scores.timeout, torch.ones(40))
    assert 0 < scores.collision.mean() < 1
    assert torch.equal(scores.navigation_time.isnan(), scores.success == 0)


def rebuilt(episodes: Episodes, scene: Scene, goal=None) -> dict[str, torch.Tensor]:
    args = vars(episodes) | {"scene": scene} | ({} if goal is None else {"goal": goal})
    return navigation(Episodes(**args)).columns()


def test_scores_are_blind_to_order_and_padding(toys):
    expected = navigation(toys).columns()
    order = torch.tensor([2, 0, 3, 1])
    for scene in (toys.scene.permute(order), toys.scene.pad(9), pad_frames(toys.scene, toys.scene.frames + 5)):
        for name, value in rebuilt(toys, scene).items():
            torch.testing.assert_close(value, expected[name], equal_nan=True, msg=name)


def test_scores_do_not_change_under_rigid_motion(toys):
    moved = toys.scene.transform(0.7, (3.0, -2.0))
    for name, value in rebuilt(toys, moved, moved.goal).items():
        torch.testing.assert_close(value, navigation(toys).columns()[name], equal_nan=True, atol=2e-3, rtol=1e-3)


def test_waiting_is_safer_than_not(toys):
    polite = navigation(run_episodes(ToyWorld(), Polite("polite"), range(40)))
    assert polite.collision.mean() < navigation(toys).collision.mean()
    assert polite.navigation_time.nanmean() > navigation(toys).navigation_time.nanmean()


def test_disturbance_of_people_who_wait_and_step_aside():
    ego = line((0, 0), (1, 0), 6)
    waits = [[9.0, k - max(0, k - 2) + max(0, k - 4)] for k in range(6)]  # y = 0 1 2 2 2 3: two steps behind
    aside = [[-9.0 - (0.5 if k >= 3 else 0), k] for k in range(6)]
    with_ego = episodes_of([ego, waits, aside], (5, 0), dt=0.5)
    frames = 6 + round(AHEAD / 0.5)
    free = Scene.from_arrays([line((50, 50), (0, 0), frames), *(line((x, 0), (0, 1), frames) for x in (9, -9))], 0.5)
    cost = disturbance(with_ego, free)
    assert cost.delay.item() == pytest.approx(0.5)  # mean of 1.0 s and 0 s
    assert cost.greatest_delay.item() == pytest.approx(1.0)
    assert cost.deviation.item() == pytest.approx(3 * 0.5 / 12)
    with pytest.raises(ValueError, match=f"for {frames} frames"):
        disturbance(with_ego, free.between(0, frames - 1))


def test_who_comes_back_to_a_place_later_is_not_early():
    y = [3 - abs(k % 6 - 3) for k in range(30)]  # to and fro
    ego = line((50, 0), (1, 0), 6)
    free = [[0.0 if k < 12 else 0.1, y[k]] for k in range(30)]
    without = Scene.from_arrays([line((50, 0), (0, 0), 30), free], 1.0)
    beside = disturbance(episodes_of([ego, [[0.1, y[k]] for k in range(6)]], (55, 0)), without)
    assert beside.delay.item() == pytest.approx(0.0, abs=1e-3)
    assert beside.deviation.item() == pytest.approx(0.1)


def test_who_is_held_up_is_late_even_if_they_would_long_have_arrived():
    held = [[0.0, max(0, k - 8)] for k in range(11)]  # at y = 2 in the end, 8 s late
    free = [[0.0, min(k, 4)] for k in range(21)]
    without = Scene.from_arrays([line((50, 0), (0, 0), 21), free], 1.0)
    cost = disturbance(episodes_of([line((50, 0), (1, 0), 11), held], (60, 0)), without)
    assert cost.delay.item() == pytest.approx(8.0)
    assert cost.deviation.item() == pytest.approx(0.0, abs=1e-6)
    early = Scene.from_arrays([line((50, 0), (0, 0), 21), [[0.0, min(max(0, k - 5), 9)] for k in range(21)]], 1.0)
    cost = disturbance(episodes_of([line((50, 0), (1, 0), 6), free[:6]], (55, 0)), early)
    assert cost.delay.item() == pytest.approx(-4.0)


def test_disturbance_asks_for_the_same_slots():
    with_ego = episodes_of([line((0, 0), (1, 0), 6)], (5, 0))
    with pytest.raises(ValueError, match="keep the ego's slot"):
        disturbance(with_ego, with_ego.scene.pad(3))
