"""The recurrence equals the trigonometry it replaces, in value and gradient."""

import pytest
import torch

from jepa_social.models.characteristic import characteristic


@pytest.mark.parametrize("knots", [2, 3, 13])
def test_equals_cosines_and_sines(knots: int):
    generator = torch.Generator().manual_seed(0)
    x = (3 * torch.randn(50, 4, generator=generator)).double().requires_grad_()
    weight = torch.randn(2, 4, knots, generator=generator).double()
    angle = x[..., None] * (0.3 * torch.arange(knots).double())
    plain = torch.stack((angle.cos().mean(0), angle.sin().mean(0)))
    fast = torch.stack(characteristic(x, 0.3, knots))
    torch.testing.assert_close(fast, plain)
    expected = torch.autograd.grad((plain * weight).sum(), x)[0]
    torch.testing.assert_close(torch.autograd.grad((fast * weight).sum(), x)[0], expected)


def test_long_grids_stay_exact_in_single_precision():
    x = 3 * torch.randn(200, 8, generator=torch.Generator().manual_seed(1))
    angle = x.double()[..., None] * (4.0 / 32 * torch.arange(33))
    real, imaginary = characteristic(x, 4.0 / 32, 33)
    torch.testing.assert_close(real, angle.cos().mean(0).float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(imaginary, angle.sin().mean(0).float(), atol=1e-5, rtol=0)
