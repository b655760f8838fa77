"""Plane geometry: SE(2) frames, relative poses, angles, segments.

Everything here is differentiable, batched over leading axes and free of state. Positions are metres, angles radians.
"""

import torch
from torch import Tensor


def rotate(vector: Tensor, angle: Tensor) -> Tensor:
    """Rotate `vector [...,2]` anticlockwise by `angle [...]`."""
    cos, sin = angle.cos(), angle.sin()
    x, y = vector[..., 0], vector[..., 1]
    return torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-1)


def to_frame(point: Tensor, origin: Tensor, heading: Tensor) -> Tensor:
    """Express world `point [...,2]` in the frame at `origin [...,2]` whose x axis points along `heading [...]`."""
    return rotate(point - origin, -heading)


def shortened(vector: Tensor, length: Tensor | float) -> Tensor:
    """`vector [...,2]` where it is no longer than `length [...]`, else so long."""
    return vector * (length / vector.norm(dim=-1).clamp(min=1e-9)).clamp(max=1.0)[..., None]


def wrap_angle(angle: Tensor) -> Tensor:
    """Map angles to (-pi, pi]."""
    return torch.atan2(angle.sin(), angle.cos())


def hold_last(value: Tensor, valid: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Carry the last valid value forward along `dim`: never looks ahead.

    Returns the filled value (0 before the first valid entry) and a mask that is true from the first valid entry on.
    """
    steps = torch.arange(valid.shape[dim], device=valid.device)
    shape = [1] * valid.ndim
    shape[dim] = -1
    last = torch.where(valid, steps.view(shape), -1).cummax(dim).values
    held = value.gather(dim, last.clamp(min=0))
    seen = last >= 0
    return torch.where(seen, held, torch.zeros_like(held)), seen


def closest_on_segment(point: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Point of the segment `start`–`end` (`[...,2]` each) that is nearest to `point [...,2]`."""
    along = end - start
    length = along.square().sum(-1, keepdim=True).clamp(min=1e-12)
    share = ((point - start) * along).sum(-1, keepdim=True) / length
    return start + share.clamp(0.0, 1.0) * along


def segment_distance(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Distance of the segments `a`–`b` and `c`–`d` (`[...,2]` each); 0 where they cross."""
    a, b, c, d = torch.broadcast_tensors(a, b, c, d)

    def to_segment(point: Tensor, start: Tensor, end: Tensor) -> Tensor:
        return (point - closest_on_segment(point, start, end)).norm(dim=-1)

    ends = torch.stack((to_segment(a, c, d), to_segment(b, c, d), to_segment(c, a, b), to_segment(d, a, b)))
    return ends.amin(dim=0).masked_fill(segments_cross(a, b, c, d), 0.0)


def segments_cross(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Whether the segments `a`–`b` and `c`–`d` (`[...,2]` each) cross; touching is no crossing."""
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(start: Tensor, end: Tensor, point: Tensor) -> Tensor:
    """Twice the signed area of the triangle: above 0 where `point` lies left of the way from `start` to `end`."""
    along, off = end - start, point - start
    return along[..., 0] * off[..., 1] - along[..., 1] * off[..., 0]


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Distances `[...,N,M]` of the points `a [...,N,2]` from `b [...,M,2]`.

    Beyond 25 points `torch.cdist` alone would take a product of matrices, which cancels far from the origin: a scene's
    padding would change its result.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def swept_distance(start: Tensor, end: Tensor) -> Tensor:
    """Least distance to the origin of a point that moves from `start [...,2]` to `end [...,2]` in a straight line.

    With relative positions of two discs this is their least centre distance between two frames, so that fast agents
    cannot jump through each other between frames.
    """
    return closest_on_segment(torch.zeros_like(start), start, end).norm(dim=-1)


def time_to_touch(offset: Tensor, velocity: Tensor, reach: Tensor) -> Tensor:
    """Time (s) until a point at `offset [...,2]` m that keeps `velocity [...,2]` m/s is within `reach` m of the origin.

    0 where it is so already, infinite where it never will be. With relative positions and velocities of two discs and
    the sum of their radii this is their time to collision.
    """
    a, b, c = velocity.square().sum(-1), (offset * velocity).sum(-1), offset.square().sum(-1) - reach**2
    root = b.square() - a * c
    time = (-b - root.clamp(min=0).sqrt()) / a.clamp(min=1e-9)
    time = torch.where((root >= 0) & (b < 0), time, torch.inf)
    return torch.where(c <= 0, 0.0, time)
