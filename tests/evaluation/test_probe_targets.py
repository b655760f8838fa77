"""Labels of windows that can be told by hand, and laws: own frame, order of agents, padding."""

import math

import pytest
import torch

from jepa_social.evaluation.probe_targets import AGENT_TARGETS, label_windows, nearest_others
from jepa_social.scene import Scene
from tests.conftest import random_scene

OBSERVED, FRAMES, DT = 8, 20, 0.4
TIME = DT * (torch.arange(FRAMES) - (OBSERVED - 1)).float()


def path(x: float, y: float, u: float, v: float) -> torch.Tensor:
    """A straight walk, (x, y) m at the last observed frame, (u, v) m/s."""
    return torch.stack((x + u * TIME, y + v * TIME), dim=-1)


def labels(*paths: torch.Tensor, goal: torch.Tensor | None = None):
    scene = Scene.from_arrays(torch.stack(paths)[None], DT)
    goal = torch.zeros(1, len(paths), 2) if goal is None else goal
    return label_windows(scene, OBSERVED, goal)


def test_motion_and_places_are_told_in_the_own_frame():
    found = labels(path(1, 1, 0, 1.5), path(1, 4, 0, -1), goal=torch.tensor([[[1.0, 11.0], [3.0, 4.0]]]))
    assert found.agent["motion"][0, 0].tolist() == pytest.approx([1.5, 0], abs=1e-5)
    assert found.agent["soon"][0, 0].tolist() == pytest.approx([1.8, 0], abs=1e-5)
    assert found.agent["later"][0, 0].tolist() == pytest.approx([7.2, 0], abs=1e-5)
    assert found.agent["departure"][0, 0].tolist() == pytest.approx([0, 0], abs=1e-5)
    assert found.agent["neighbour"][0, 0].tolist() == pytest.approx([3, 0], abs=1e-5)
    assert found.agent["goal"][0].flatten().tolist() == pytest.approx([10, 0, 0, 2], abs=1e-5)


def test_a_departure_is_what_constant_velocity_misses():
    turning = path(0, 0, 1, 0)
    turning[OBSERVED:, 1] += 0.5
    assert labels(turning).agent["departure"][0, 0].tolist() == pytest.approx([0, 0.5], abs=1e-5)


def test_a_meeting_is_one_that_comes_soon_and_is_not_yet():
    meets = labels(path(0, 0, 1, 0), path(3.5, 0, -1, 0)).agent["meeting"][0, :, 0]
    assert meets.tolist() == [1, 1], "2.5 m to close at 2 m/s"
    later = labels(path(0, 0, 1, 0), path(8, 0, -1, 0)).agent["meeting"][0, :, 0]
    assert later.tolist() == [0, 0]
    already = labels(path(0, 0, 1, 0), path(0, 0.8, 1, 0)).agent["meeting"][0, :, 0]
    assert already.isnan().all()
    gone = path(3.5, 0, 0, 1)
    gone[OBSERVED + 2 :] = math.nan
    assert labels(path(0, 0, -1, 0), gone).agent["meeting"][0, 1].isnan(), "left before it could be told"


def test_groups_walk_together_and_crossing_people_do_not():
    found = labels(
        path(0, 0, 1, 0),
        path(0, 0.7, 1, 0),  # beside the first
        path(0.5, -1.0, -1, 0),  # past both of them
        path(0, 3.0, 1, 0),  # along with the first two, but across the pavement
        path(0, 50.0, 1, 0),  # nowhere near
    )
    told = {(i, j): bool(g) for (_, i, j), g in zip(found.pairs.tolist(), found.group[:, 0], strict=True)}
    assert told == {(0, 1): True, (0, 2): False, (0, 3): False, (1, 2): False, (1, 3): False}
    standing = labels(path(0, 0, 0.01, 0), path(0, 0.7, 0.01, 0))
    assert len(standing.pairs) == 0, "nobody there has a heading"


def test_who_is_not_there_is_not_asked():
    late, gone = path(0, 0, 1, 0), path(5, 5, 1, 0)
    late[:OBSERVED] = math.nan
    gone[OBSERVED + 5 :] = math.nan
    found = labels(late, gone, path(9, 9, 0, 1))
    assert found.asked[0].tolist() == [False, True, True]
    assert found.agent["later"][0, 1].isnan().all()
    assert found.agent["soon"][0, 1].isfinite().all()


@pytest.mark.parametrize("change", ["motion", "order", "padding"])
def test_rigid_motion_order_and_padding_change_no_label(change):
    scene = random_scene(batch=8, frames=FRAMES)
    goal = 5 * torch.randn(8, scene.agents, 2, generator=torch.Generator().manual_seed(1))
    order = torch.arange(scene.agents)
    other, moved = scene, goal
    if change == "motion":
        angle = torch.tensor(0.7)
        other = scene.transform(angle, (3.0, -1.0))
        cos, sin = angle.cos(), angle.sin()
        moved = goal @ torch.stack((torch.stack((cos, sin)), torch.stack((-sin, cos)))) + torch.tensor([3.0, -1.0])
    elif change == "order":
        order = torch.tensor([3, 0, 4, 1, 2])
        other, moved = scene.permute(order), goal[:, order]
    else:
        other = scene.pad(scene.agents + 3)
        moved = torch.nn.functional.pad(goal, (0, 0, 0, 3), value=torch.nan)
    usual, found = label_windows(scene, OBSERVED, goal), label_windows(other, OBSERVED, moved)
    assert torch.equal(found.asked[:, : scene.agents], usual.asked[:, order])
    assert not found.asked[:, scene.agents :].any()
    assert set(usual.agent) == set(AGENT_TARGETS)
    for name, value in usual.agent.items():
        mine, theirs = value[:, order][usual.asked[:, order]], found.agent[name][found.asked]
        torch.testing.assert_close(theirs, mine, rtol=1e-4, atol=1e-4, equal_nan=True, msg=name)

    def told(labels, names) -> dict:
        return {
            (w, *sorted((int(names[i]), int(names[j])))): float(g)
            for (w, i, j), g in zip(labels.pairs.tolist(), labels.group[:, 0], strict=True)
        }

    assert told(usual, torch.arange(scene.agents)) == told(found, order)


def test_the_nearest_come_first_and_the_absent_never():
    scene = Scene.from_arrays(torch.stack((path(0, 0, 1, 0), path(2, 0, 1, 0), path(1, 0, 1, 0)))[None], DT).pad(5)
    index, distance = nearest_others(scene, -1, 6)
    assert index[0, 0, :2].tolist() == [2, 1]
    assert distance[0, 0, :2].tolist() == pytest.approx([1, 2], abs=1e-5)
    assert distance[0, 0, 2:].isinf().all()
    assert distance[0, 3:].isinf().all()


def test_windows_without_a_future_cannot_be_labelled(scene):
    with pytest.raises(ValueError, match="cannot be labelled"):
        label_windows(scene, scene.frames, torch.zeros(3, 5, 2))
