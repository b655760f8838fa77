"""Laws of the plane."""

import math

import pytest
import torch

from jepa_social.geometry import (
    closest_on_segment,
    distances,
    hold_last,
    rotate,
    segment_distance,
    swept_distance,
    to_frame,
    wrap_angle,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_rotation_is_anticlockwise_and_an_isometry():
    torch.testing.assert_close(rotate(torch.tensor([1.0, 0.0]), torch.tensor(math.pi / 2)), torch.tensor([0.0, 1.0]))
    vector, angle = torch.randn(50, 2), 4 * torch.randn(50)
    torch.testing.assert_close(rotate(vector, angle).norm(dim=-1), vector.norm(dim=-1))
    torch.testing.assert_close(rotate(rotate(vector, angle), 0.3 - angle), rotate(vector, torch.full((50,), 0.3)))


def test_frames_round_trip():
    point, origin, heading = torch.randn(50, 2), 5 * torch.randn(50, 2), 4 * torch.randn(50)
    back = origin + rotate(to_frame(point, origin, heading), heading)
    torch.testing.assert_close(back, point, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(to_frame(origin, origin, heading), torch.zeros(50, 2))


def test_what_lies_ahead_is_on_the_x_axis():
    heading = torch.tensor([0.0, 1.0, 2.5, -3.0])
    origin = torch.randn(4, 2)
    ahead = origin + 2.0 * torch.stack((heading.cos(), heading.sin()), dim=-1)
    torch.testing.assert_close(
        to_frame(ahead, origin, heading), torch.tensor([2.0, 0.0]).expand(4, 2), atol=1e-5, rtol=0
    )


def test_wrapped_angles_are_the_same_directions_within_half_a_turn():
    angle = torch.linspace(-20, 20, 401)
    wrapped = wrap_angle(angle)
    assert wrapped.abs().max() <= math.pi + 1e-6
    torch.testing.assert_close(wrapped.cos(), angle.cos(), atol=1e-5, rtol=0)
    torch.testing.assert_close(wrapped.sin(), angle.sin(), atol=1e-5, rtol=0)
    torch.testing.assert_close(wrap_angle(wrapped), wrapped)


def test_hold_last_carries_forward():
    value = torch.tensor([5.0, 1.0, 2.0, 3.0, 4.0])
    valid = torch.tensor([False, True, False, True, False])
    held, seen = hold_last(value, valid, dim=0)
    assert held.tolist() == [0.0, 1.0, 1.0, 3.0, 3.0]
    assert seen.tolist() == [False, True, True, True, True]


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_hold_last_is_causal_along_any_axis(dim):
    value, valid = torch.randn(7, 8, 9), torch.rand(7, 8, 9) < 0.4
    held, seen = hold_last(value, valid, dim)
    for cut in (1, 3, 6):
        part, part_seen = hold_last(value.narrow(dim, 0, cut), valid.narrow(dim, 0, cut), dim)
        assert torch.equal(part, held.narrow(dim, 0, cut))
        assert torch.equal(part_seen, seen.narrow(dim, 0, cut))
    assert torch.equal(held[valid], value[valid])


def test_the_closest_point_of_a_segment_beats_every_other():
    point, start, end = torch.randn(3, 200, 2)
    best = (closest_on_segment(point, start, end) - point).norm(dim=-1)
    for share in torch.linspace(0, 1, 101):
        assert (best <= (start + share * (end - start) - point).norm(dim=-1) + 1e-6).all()


def test_swept_distance_equals_dense_sampling():
    start, end = 2 * torch.randn(2, 300, 2)
    share = torch.linspace(0, 1, 2001).view(-1, 1, 1)
    dense = (start + share * (end - start)).norm(dim=-1).amin(0)
    torch.testing.assert_close(swept_distance(start, end), dense, atol=2e-3, rtol=0)
    torch.testing.assert_close(swept_distance(start, end), swept_distance(end, start))


def test_swept_distance_of_a_standing_point_is_its_distance_and_a_fast_one_is_not_missed():
    start = torch.randn(20, 2)
    torch.testing.assert_close(swept_distance(start, start), start.norm(dim=-1))
    assert swept_distance(torch.tensor([-5.0, 0.1]), torch.tensor([5.0, 0.1])) == pytest.approx(0.1)


def test_swept_distance_has_a_gradient_even_at_rest():
    start = torch.randn(20, 2).requires_grad_(True)
    swept_distance(start, start.detach()).sum().backward()
    assert start.grad.isfinite().all()


def test_segments_that_cross_have_no_distance():
    point = torch.tensor
    assert segment_distance(point([0.0, 0]), point([2.0, 2]), point([0.0, 2]), point([2.0, 0])) == 0
    assert segment_distance(point([0.0, 0]), point([1.0, 0]), point([4.0, 4]), point([4.0, 9])) == 5


def test_distances_do_not_depend_on_how_many_are_asked_about():
    place = torch.rand(40, 2) + 5e3
    torch.testing.assert_close(distances(place, place)[:5, :5], distances(place[:5], place[:5]), atol=0, rtol=0)
