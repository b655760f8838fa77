"""Behaviour cloning: a network that imitates the walker's next step from the present state, memory and minds aside."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.evaluation.mind.false_belief import BOXES, THING, WALKER, Trials
from jepa_social.worlds.village.grid import MOVES

FEATURES = 4 + 2 * BOXES
WIDTH = 128


def clone_steps(trials: Trials, steps: int, seed: int) -> nn.Module:
    """Fit it to every step of walks that have not ended, by cross-entropy."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(FEATURES, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU())
        net.append(nn.Linear(WIDTH, len(MOVES)))
        x, y = [], []
        end = int(trials.asked.max())
        for t in range(1, end):
            step = trials.scene.position[:, WALKER, t + 1] - trials.scene.position[:, WALKER, t]
            x.append(_state(trials, torch.full_like(trials.believed, t)))
            y.append((step[:, None].round().long() == MOVES).all(-1).long().argmax(-1))
        state, move = torch.cat(x), torch.cat(y)
        optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
        for _ in range(steps):
            rows = torch.randint(len(state), (512,))
            loss = nn.functional.cross_entropy(net(state[rows]), move[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


@torch.no_grad()
def heads_for(net: nn.Module, trials: Trials, share: int) -> Float[Tensor, "K 4"]:
    """By how much the imitated next step is expected to bring the walker nearer to each box."""
    rows, asked = torch.arange(len(trials.believed)), trials.asked[:, share]
    odds = net(_state(trials, asked)).softmax(-1)
    here = trials.scene.position[rows, WALKER, asked]
    box = trials.scene.position[:, trials.first_box : trials.first_box + BOXES, 0]
    away = (box - here[:, None]).abs().sum(-1)
    after = (box[:, :, None] - (here[:, None] + MOVES)[:, None]).abs().sum(-1)
    return away - (odds[:, None] * after).sum(-1)


def _state(trials: Trials, frame: Tensor) -> Float[Tensor, "K F"]:
    """The present: the way the walker faces, and where the thing and the boxes lie from it."""
    rows, scene = torch.arange(len(frame)), trials.scene
    here = scene.position[rows, WALKER, frame]
    heading = scene.heading[rows, WALKER, frame]
    thing = scene.position[rows, trials.first_box + THING, frame]
    box = scene.position[:, trials.first_box : trials.first_box + BOXES, 0]
    faced = torch.stack((heading.cos(), heading.sin()), dim=-1)
    return torch.cat((faced, (thing - here) / 5, ((box - here[:, None]) / 5).flatten(1)), dim=-1)
