"""What SIGReg costs: projections times rows."""

from collections.abc import Callable

import torch

from jepa_social.models.objectives import SigReg


def cases(projections: list[int], rows: list[int], width: int = 128) -> dict[str, Callable[[], object]]:
    """Penalty and its gradient for latents of `width`."""

    def case(number: int, tested: int) -> Callable[[], object]:
        objective = SigReg(projections=number, rows=tested)
        latents = torch.randn(tested, width, requires_grad=True)
        return lambda: torch.autograd.grad(objective.penalty(latents), latents)

    return {f"{p} projections, {r} rows": case(p, r) for p in projections for r in rows}
