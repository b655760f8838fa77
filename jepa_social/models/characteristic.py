"""The empirical characteristic function on an even grid: SIGReg's one expensive part, without its trigonometry."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def characteristic(x: Float[Tensor, "K P"], step: float, knots: int) -> tuple[Tensor, Tensor]:
    """Means over K of cos(t x) and sin(t x) at t = 0, step, ..., each `[P,knots]`.

    One cosine and sine per entry; multiples of the angle follow from cos (k+1)a = 2 cos a cos ka - cos (k-1)a, likewise
    the sines. Backwards the recurrence runs again, so nothing as large as K·P·knots is ever stored.
    """
    real, imaginary = _Characteristic.apply(x, step, knots)  # pyright: ignore[reportGeneralTypeIssues]
    return real, imaginary


class _Characteristic(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, knots: int) -> tuple[Tensor, Tensor]:
        angle = x * step
        cos, sin = angle.cos(), angle.sin()
        ctx.save_for_backward(cos, sin)
        ctx.step = step
        real, imaginary = x.new_ones(knots, x.shape[1]), x.new_zeros(knots, x.shape[1])
        for k, (c, s) in enumerate(_multiples(cos, sin, knots), start=1):
            torch.mean(c, 0, out=real[k])
            torch.mean(s, 0, out=imaginary[k])
        return real.T, imaginary.T

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        knots = grad[0].shape[1]
        frequency = torch.arange(knots, device=cos.device)[:, None] * (ctx.step / len(cos))
        even, odd = grad[0].T * -frequency, grad[1].T * frequency
        total = torch.zeros_like(cos)
        for k, (c, s) in enumerate(_multiples(cos, sin, knots), start=1):
            total.addcmul_(c, odd[k]).addcmul_(s, even[k])
        return total, None, None


def _multiples(cos: Tensor, sin: Tensor, knots: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Cosines and sines of 1, 2, ..., knots - 1 times the angle; each pair is overwritten two steps later."""
    twice = 2 * cos
    before, now = (torch.ones_like(cos), torch.zeros_like(sin)), (cos.clone(), sin.clone())
    for _ in range(knots - 1):
        yield now
        for old, new in zip(before, now, strict=True):
            torch.addcmul(old.neg_(), twice, new, out=old)
        before, now = now, before
