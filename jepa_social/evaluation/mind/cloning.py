"""Behaviour cloning: a network that imitates the walker's next step from the present state, memory and minds aside."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.evaluation.mind.false_belief import BOXES, THING, WALKER, Trials, open_grid
from jepa_social.evaluation.mind.moves import in_own_frame
from jepa_social.worlds.village.grid import MOVES, distances, step_log_odds

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
        walker = trials.scene.position[:, WALKER]
        for t in range(1, end):
            step, going = walker[:, t + 1] - walker[:, t], (walker[:, t] != walker[:, -1]).any(-1)
            x.append(_state(trials, torch.full_like(trials.believed, t))[going])
            y.append((step[:, None].round().long() == MOVES).all(-1).long().argmax(-1)[going])
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
    """How well the imitated next step fits a walk to each box: minus the cross-entropy of the walker's own policy."""
    rows, asked = torch.arange(len(trials.believed)), trials.asked[:, share]
    odds = net(_state(trials, asked)).softmax(-1)
    here = trials.scene.position[rows, WALKER, asked].round().long()
    box = trials.scene.position[:, trials.first_box : trials.first_box + BOXES, 0].round().long()
    walls = open_grid(len(here))
    fits = step_log_odds(distances(walls, box), walls, here[:, None], beta=1.0)[:, :, 0, 1:].clamp(min=-20.0)
    return (odds[:, None, 1:] * fits).sum(-1)


@torch.no_grad()
def imitated(net: nn.Module, trials: Trials, share: int) -> Float[Tensor, "K 5"]:
    """Log-probabilities of the imitated next move, as `moves` has it."""
    return in_own_frame(trials, share, net(_state(trials, trials.asked[:, share])).log_softmax(-1))


def _state(trials: Trials, frame: Tensor) -> Float[Tensor, "K F"]:
    """The present: the way the walker faces, and where the thing and the boxes lie from it."""
    rows, scene = torch.arange(len(frame)), trials.scene
    here = scene.position[rows, WALKER, frame]
    heading = scene.heading[rows, WALKER, frame]
    thing = scene.position[rows, trials.first_box + THING, frame]
    box = scene.position[:, trials.first_box : trials.first_box + BOXES, 0]
    faced = torch.stack((heading.cos(), heading.sin()), dim=-1)
    return torch.cat((faced, (thing - here) / 5, ((box - here[:, None]) / 5).flatten(1)), dim=-1)
