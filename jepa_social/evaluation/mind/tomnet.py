"""ToMnet as a reference: a network that models minds by supervision, from the whole grid.

After Rabinowitz et al. (2018): a mental net reads the frames so far (convolutions, then an LSTM) into an embedding,
and a prediction net reads the present frame with that embedding spread over it; heads give the next move and the
believed place. Small, and trained end to end on the same trials and answers as the readouts of frozen latents. There
is no character net, as all walkers are of one character.
"""

import torch
from jaxtyping import Float
from rich.progress import track
from torch import Tensor, nn

from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, SIZE, THING, WALKER, Trials
from jepa_social.evaluation.mind.moves import grid_move, in_own_frame
from jepa_social.worlds.village.grid import MOVES

FRAMES = 14
"""Most frames that are read; later questions (few) are put to what was known then."""
PLANES = 3
BATCH, CHUNK = 64, 500


class ToMNet(nn.Module):
    """See the module. `channels` of convolutions, `width` of the LSTM, `mental` of the embedding."""

    def __init__(self, channels: int = 16, width: int = 64, mental: int = 8):
        super().__init__()
        self.look = nn.Sequential(_conv(PLANES + len(MOVES), channels), nn.ReLU(), _conv(channels, channels), nn.ReLU())
        self.remember = nn.LSTM(2 * channels, width, batch_first=True)
        self.mental = nn.Linear(width, mental)
        body = [_conv(PLANES + mental, channels), nn.ReLU(), _conv(channels, channels), nn.ReLU()]
        self.predict = nn.Sequential(*body, _conv(channels, channels), nn.ReLU())
        self.belief = nn.Linear(channels + width, 1)
        self.move = nn.Linear(3 * channels + width, len(MOVES))

    def forward(
        self,
        planes: Float[Tensor, "K T 3 X Y"],
        action: Float[Tensor, "K T 5"],
        asked: Tensor,
        here: Tensor,
        boxes: Tensor,
    ) -> tuple[Float[Tensor, "K Q 4"], Float[Tensor, "K Q 5"]]:
        """Log-odds of believed boxes, and of `MOVES` of the grid, at frames `asked [K,Q]`.

        `here [K,T]` and `boxes [K,4]` are cell indices.
        """
        k, t = planes.shape[:2]
        acted = action[..., None, None].expand(*action.shape, SIZE, SIZE)
        seen = self.look(torch.cat((planes, acted), dim=2).flatten(0, 1)).flatten(2)
        cell = here.flatten()[:, None, None].expand(-1, seen.shape[1], 1)
        memory = self.remember(torch.cat((seen.mean(-1), seen.gather(2, cell)[..., 0]), -1).unflatten(0, (k, t)))[0]
        rows, asked = torch.arange(k)[:, None], asked.clamp(max=t - 1)
        known = memory[rows, asked]
        spread = self.mental(known)[..., None, None].expand(-1, -1, -1, SIZE, SIZE)
        body = self.predict(torch.cat((planes[rows, asked], spread), dim=2).flatten(0, 1)).flatten(2)
        places = boxes[:, None].expand(-1, asked.shape[1], -1).flatten(0, 1)
        found = body.gather(2, places[:, None].expand(-1, body.shape[1], -1)).transpose(1, 2)
        belief = self.belief(torch.cat((found, known.flatten(0, 1)[:, None].expand(-1, BOXES, -1)), -1))[..., 0]
        own = body.gather(2, here[rows, asked].flatten()[:, None, None].expand(-1, body.shape[1], 1))[..., 0]
        whole = torch.cat((own, body.mean(-1), body.amax(-1), known.flatten(0, 1)), dim=-1)
        return belief.unflatten(0, (k, -1)), self.move(whole).unflatten(0, (k, -1))


def fit_tomnet(trials: Trials, weight: Float[Tensor, "K"], steps: int, seed: int) -> ToMNet:
    """Train one on the answers to `trials` (cross-entropy of belief and move, AdamW), each weighed by `weight`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net, inputs = ToMNet(), _inputs(trials)
        moves = [grid_move(trials, share) for share in range(len(SHARES))]
        move, made = (torch.stack(part, dim=1) for part in zip(*moves, strict=True))
        optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.1)
        for _ in track(range(steps), description="ToMnet: fitting"):
            rows = torch.randint(len(weight), (BATCH,))
            belief, step = net(*(part[rows] for part in inputs))
            target = trials.believed[rows, None].expand(-1, len(SHARES))
            error = nn.functional.cross_entropy(belief.flatten(0, 1), target.flatten(), reduction="none")
            astray = nn.functional.cross_entropy(step.flatten(0, 1), move[rows].flatten(), reduction="none")
            both = error.view_as(target) + astray.view_as(target) * made[rows]
            loss = (both.mean(1) * weight[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def answers(net: ToMNet, trials: Trials) -> tuple[list[Tensor], list[Tensor]]:
    """For every question, log-probabilities `[K,4]` of the believed box, and `[K,5]` of the next move as `moves` has
    it."""
    inputs = _inputs(trials)
    parts = [net(*(part[first : first + CHUNK] for part in inputs)) for first in range(0, len(trials.believed), CHUNK)]
    belief, step = (torch.cat(part).log_softmax(-1) for part in zip(*parts, strict=True))
    own = [in_own_frame(trials, share, odds) for share, odds in enumerate(step.unbind(1))]
    return list(belief.double().unbind(1)), own


def _inputs(trials: Trials) -> tuple[Tensor, ...]:
    """Planes of walker, boxes and thing; the step that led to each frame; when is asked; where walker and boxes are."""
    position = trials.scene.position[:, :, :FRAMES].round().long()
    place = position[..., 0] * SIZE + position[..., 1]
    box = slice(trials.first_box, trials.first_box + BOXES)
    here, boxes, thing = place[:, WALKER], place[:, box], place[:, trials.first_box + THING]
    marks = [nn.functional.one_hot(part, SIZE * SIZE) for part in (here, thing)]
    planes = torch.stack((marks[0], nn.functional.one_hot(boxes, SIZE * SIZE).amax(1), marks[1]), dim=2).float()
    step = position[:, WALKER].diff(dim=1, prepend=position[:, WALKER, :1])
    action = (step[:, :, None] == MOVES).all(-1).float()
    return planes.unflatten(-1, (SIZE, SIZE)), action, trials.asked[:, : len(SHARES)], here, boxes[:, :, 0]


def _conv(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, padding=1)
