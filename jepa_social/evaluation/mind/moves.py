"""The walker's next move: who predicts it where belief and truth agree, and who still does where they do not?

A move is where the walker is a frame after the question, told in its own frame: `MOVES`, with x where it faces. At the
edge of the grid a step may lead nowhere; that counts as staying.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, WALKER, Trials, open_grid
from jepa_social.evaluation.mind.observer import BeliefObserver
from jepa_social.geometry import rotate
from jepa_social.worlds.village.grid import MOVES, destinations, distances, step_log_odds

Moves = tuple[Int[Tensor, "K"], Bool[Tensor, "K"]]


def next_move(trials: Trials, share: int) -> Moves:
    """The move after question `share`, and whether there is one: who has arrived makes none."""
    step, made = _step(trials, share)
    return _own(trials, trials.asked[:, share], step), made


def grid_move(trials: Trials, share: int) -> Moves:
    """The same as an index into `MOVES` of the grid."""
    step, made = _step(trials, share)
    return (step.round().long()[:, None] == MOVES).all(-1).long().argmax(-1), made


def towards(trials: Trials, share: int, box: Int[Tensor, "K"], beta: float = 1.0) -> Float[Tensor, "K 5"]:
    """Log-probabilities of the next move of a walker that goes for `box` (0..3)."""
    rows, asked = torch.arange(len(box)), trials.asked[:, share]
    cell = trials.scene.position[rows, WALKER, asked].round().long()[:, None]
    target = trials.scene.position[rows, trials.first_box + box, 0].round().long()[:, None]
    walls = open_grid(len(box))
    chance = step_log_odds(distances(walls, target), walls, cell, beta)[:, 0, 0].exp()
    led = (destinations(walls, cell)[:, 0] - cell).float()
    place = torch.stack([_own(trials, asked, led[:, a]) for a in range(len(MOVES))], dim=1)
    return torch.zeros_like(chance).scatter_add_(1, place, chance).clamp(min=1e-9).log()


def believed_move(trials: Trials, share: int, belief: Float[Tensor, "K 4"]) -> Float[Tensor, "K 5"]:
    """Log-probabilities of the next move, given what the walker may believe: a mixture over boxes."""
    ways = [towards(trials, share, torch.full_like(trials.believed, box)).exp() for box in range(BOXES)]
    return (belief[..., None] * torch.stack(ways, dim=1)).sum(1).log()


def exact_move(trials: Trials, share: int, timed: bool = True) -> Float[Tensor, "K 5"]:
    """What the exact observer expects."""
    return believed_move(trials, share, BeliefObserver(timed=timed).posterior(trials, share))


def walks_on(fit: Trials, trials: Trials, share: int) -> Float[Tensor, "K 5"]:
    """Constant velocity, as often as it was right (and the other moves as often as they came) among `fit`."""
    move, known = next_move(fit, share)
    often = torch.bincount(move[known], minlength=len(MOVES)).float().clamp(min=0.5)
    return (often / often.sum()).log().expand(len(trials.believed), -1)


def in_own_frame(trials: Trials, share: int, odds: Float[Tensor, "K 5"]) -> Float[Tensor, "K 5"]:
    """Log-probabilities of `MOVES` of the grid as those of the walker's own frame."""
    asked = trials.asked[:, share]
    steps = MOVES.float()[:, None].expand(-1, len(odds), -1)
    place = torch.stack([_own(trials, asked, step) for step in steps], dim=1)
    return torch.empty_like(odds).scatter_(1, place, odds)


def _step(trials: Trials, share: int) -> tuple[Float[Tensor, "K 2"], Bool[Tensor, "K"]]:
    rows, asked = torch.arange(len(trials.believed)), trials.asked[:, share]
    walker = trials.scene.position[:, WALKER]
    return walker[rows, asked + 1] - walker[rows, asked], trials.under_way(share)


def _own(trials: Trials, frame: Int[Tensor, "K"], step: Float[Tensor, "K 2"]) -> Int[Tensor, "K"]:
    """Index into `MOVES` of a step of the grid, told in the walker's frame at `frame`."""
    heading = trials.scene.heading[torch.arange(len(frame)), WALKER, frame]
    return (rotate(step, -heading).round().long()[:, None] == MOVES).all(-1).long().argmax(-1)
