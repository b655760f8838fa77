"""Capability A of the `mind` suite: whom latents let say what a walker believes, and what it will do next."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from omegaconf import DictConfig
from rich.progress import track
from torch import Tensor

from jepa_social.evaluation.mind.cloning import clone_steps, heads_for, imitated
from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, WALKER, Trials, balanced_hits, run_trials
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.moves import exact_move, next_move, towards, walks_on
from jepa_social.evaluation.mind.observer import BeliefObserver
from jepa_social.evaluation.mind.scores import (
    CEILING,
    FLOOR,
    KEYS,
    TIMED,
    Columns,
    Scored,
    belief_columns,
    move_columns,
    summarise,
)
from jepa_social.evaluation.mind.tomnet import answers, fit_tomnet
from jepa_social.mind.belief import BeliefReadout, MoveReadout, fit_readout, place_pose
from jepa_social.mind.perspective import perspective
from jepa_social.models.jepa import SocialJEPA
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.grid import MOVES
from jepa_social.worlds.village.scenarios import FalseBelief

LIMIT = 32
"""Frames within which a walker must arrive."""
CHUNK = 250
"""Trials encoded at a time."""
HELD = 5
"""One of so many fitting trials chooses the stopping step."""
Inputs = tuple[Tensor, Tensor, Tensor]
PLAIN, OWN = "{}, present alone", "{} + perspective"
IGNORANCE, FEW = "ignorance_25", "few_25"
Row = Callable[[Trials, int], Tensor]


def false_belief(jepa: SocialJEPA, settings: DictConfig, ours: str) -> Scored:
    """Readouts of frozen latents are fitted on their own seeds, then everybody is asked the same trials: where the
    walker believes the thing to be, and what its next move is.

    Ours reads the present latents and those imagined for `settings.ahead`. Rows besides: ours from the present alone,
    and with the scene from the walker's own perspective too; an untrained encoder of the same sizes with the same
    readouts (all three ways); ToMnet, behaviour cloning, constant velocity, the true state, the state at the start, the
    exact observer without and with the hint that the moment of the question is.

    Raises:
        ValueError: the model cannot tell things apart, or fitting and scoring seeds overlap.
    """
    fit_seeds = range(settings.fit_seed, settings.fit_seed + settings.fit)
    seeds = range(settings.first_seed, settings.first_seed + settings.trials)
    if set(fit_seeds) & set(seeds):
        raise ValueError("suite.false_belief: fit_seed and first_seed give the same trials: set them further apart")
    fit, asked = run_trials(fit_seeds), run_trials(seeds)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        untrained = SocialJEPA(jepa.config, teacher=False).eval()
    found: dict[str, Columns] = {}
    for name, encoder in ((ours, jepa), ("untrained", untrained)):
        found |= _read(encoder, fit, asked, settings, name)
    net = fit_tomnet(fit, _balance(fit), settings.tomnet, settings.seed)
    believed, moved = answers(net, asked)
    found["ToMnet, supervised"] = belief_columns(believed, asked, likely=True) | move_columns(moved[1], asked)
    clone = clone_steps(fit, settings.steps, settings.seed)
    rows: dict[str, tuple[Row, Tensor]] = {
        "behaviour cloning": (lambda trials, share: heads_for(clone, trials, share), imitated(clone, asked, 1)),
        "constant velocity": (constant_velocity, walks_on(fit, asked, 1)),
        "reads the true state": (reads_truth, towards(asked, 1, asked.actual)),
        "never updates": (never_updates, towards(asked, 1, asked.former)),
    }
    for name, (row, moves) in rows.items():
        known = belief_columns([row(asked, i) for i in range(len(SHARES))], asked, likely=False)
        found[name] = known | move_columns(moves, asked)
    for name, timed in ((CEILING, False), (TIMED, True)):
        ideal = BeliefObserver(timed=timed)
        odds = [ideal.posterior(asked, i).log() for i in range(len(SHARES))]
        found[name] = belief_columns(odds, asked, likely=True) | move_columns(exact_move(asked, 1, timed), asked)
    for name, columns in _ignorance({ours: jepa, "untrained": untrained}, settings).items():
        found[name] |= columns
    shares = {
        "gap_25": (KEYS[1], FLOOR),
        "gap_timed_25": (KEYS[1], FLOOR, TIMED),
        "gap_ignorance_25": (IGNORANCE, FLOOR),
    }
    return summarise(found, ours, shares)


def _balance(trials: Trials) -> Float[Tensor, "K"]:
    """Weights by which false and true beliefs count alike; their mean is 2."""
    return torch.where(trials.false, 1 / trials.false.float().mean(), 1 / (~trials.false).float().mean())


def _read(jepa: SocialJEPA, fit: Trials, asked: Trials, settings: DictConfig, name: str) -> dict[str, Columns]:
    """Rows of one encoder: readouts of parts of one and the same inputs; `FEW` is of one fitted on few trials."""
    known, questions = (_inputs(jepa, trials, list(settings.ahead), f"{name}: latents") for trials in (fit, asked))
    width = jepa.config.width
    whole = known[0][0].shape[-1]
    found = {}
    for row, size in ((name, whole - width), (PLAIN.format(name), width), (OWN.format(name), whole)):
        cut, put = (
            [(own[..., :size], box[..., :size], pose) for own, box, pose in part] for part in (known, questions)
        )
        answer = _decoded(fit, cut, put, settings)
        found[row] = belief_columns(answer.belief, asked, likely=True) | move_columns(answer.move, asked)
        few, some = (
            fit.first(settings.few),
            [(z[: settings.few], b[: settings.few], p[: settings.few]) for z, b, p in cut],
        )
        guess = _read_belief(few, some, settings)(*put[1]).argmax(-1)
        found[row][FEW] = balanced_hits(guess, asked).numpy()
    return found


def _ignorance(encoders: dict[str, SocialJEPA], settings: DictConfig) -> dict[str, Columns]:
    """Who knows and who never knew (see `FalseBelief.ignorant`), in scenes of a kind that no log of pretraining holds.

    Balanced accuracy at 25 % of which box is gone for, and so of whether the walker knows.
    """
    scores: dict[str, Tensor] = {}
    village = Village(FalseBelief(ignorant=True), limit=LIMIT)
    first, count = (settings.fit_seed, settings.first_seed), (settings.ignorant_fit, settings.ignorant_trials)
    fit, asked = (run_trials(range(f, f + n), LIMIT, village) for f, n in zip(first, count, strict=True))
    for name, encoder in encoders.items():
        known, questions = (_inputs(encoder, part, list(settings.ahead), f"{name}: who knows") for part in (fit, asked))
        present = encoder.config.width
        parts = [[(z[..., :-present], box[..., :-present], pose) for z, box, pose in p] for p in (known, questions)]
        scores[name] = _read_belief(fit, parts[0], settings)(*parts[1][1])
    share = float((~asked.false).double().mean())
    scores |= {"constant velocity": constant_velocity(asked, 1), "reads the true state": reads_truth(asked, 1)}
    scores["never updates"] = never_updates(asked, 1)
    scores |= {
        name: BeliefObserver(noticed=share, timed=timed).posterior(asked, 1)
        for name, timed in ((CEILING, False), (TIMED, True))
    }
    return {name: {IGNORANCE: balanced_hits(score.argmax(-1), asked).numpy()} for name, score in scores.items()}


@dataclass
class _Answer:
    """Log-probabilities of the believed box at each question, and of the next move at 25 %."""

    belief: list[Tensor]
    move: Tensor


def _decoded(fit: Trials, known: list[Inputs], questions: list[Inputs], settings: DictConfig) -> _Answer:
    """One readout of each kind for all three questions, fitted on all three."""
    belief = _read_belief(fit, known, settings)
    together = _together(known)
    moves = [next_move(fit, share) for share in range(len(SHARES))]
    move, made = (torch.cat(part) for part in zip(*moves, strict=True))
    step = MoveReadout(together[0].shape[-1], len(MOVES))
    step = fit_readout(step, together, move, _weight(fit) * made, _held(fit), settings.steps, settings.seed)
    with torch.no_grad():
        return _Answer([belief(*question) for question in questions], step(*questions[1]).log_softmax(-1))


def _read_belief(fit: Trials, known: list[Inputs], settings: DictConfig) -> Callable[..., Tensor]:
    """What gives log-probabilities `[K,4]` from inputs."""
    together, target = _together(known), fit.believed.repeat(len(SHARES))
    readout = BeliefReadout(together[0].shape[-1])
    fit_readout(readout, together, target, _weight(fit), _held(fit), settings.steps, settings.seed)

    @torch.no_grad()
    def read(*inputs: Tensor) -> Tensor:
        return readout(*inputs).log_softmax(-1).double()

    return read


def _weight(fit: Trials) -> Float[Tensor, "K"]:
    return _balance(fit).repeat(len(SHARES))


def _held(fit: Trials) -> Tensor:
    return (torch.arange(len(fit.believed)) % HELD == 0).repeat(len(SHARES))


def _together(parts: list[Inputs]) -> Inputs:
    own, boxes, pose = (torch.cat(part) for part in zip(*parts, strict=True))
    return own, boxes, pose


@torch.no_grad()
def _inputs(jepa: SocialJEPA, trials: Trials, ahead: list[int], name: str) -> list[Inputs]:
    """What readouts get for each question: latents of walker and boxes, and where boxes lie.

    Latents are those of the present, then those imagined `ahead` frames from it with their journeys, then those of the
    scene as the walker has seen it. They are causal, so one encoding serves all questions.
    """
    parts: list[list[Inputs]] = [[] for _ in SHARES]
    boxes = slice(trials.first_box, trials.first_box + BOXES)
    for first in track(range(0, len(trials.asked), CHUNK), description=name):
        asked = trials.asked[first : first + CHUNK]
        scene = trials.scene[first : first + CHUNK].between(0, int(asked.max()) + 1)
        latents = jepa.encode(scene)
        own = jepa.encode(perspective(scene, torch.full_like(asked[:, 0], WALKER))).state
        rows, place = torch.arange(len(asked)), scene.position[:, boxes, 0]
        for part, frame in zip(parts, asked.unbind(1), strict=True):
            now = latents.at(frame)
            imagined = jepa.imagine(now, horizon=max(ahead))[:, 0, :, [k - 1 for k in ahead]].flatten(2)
            state = torch.cat((now.state, imagined, own[rows, :, frame]), dim=-1)
            pose = place_pose(now.position[:, WALKER], now.heading[:, WALKER], place)
            part.append((state[:, WALKER], state[:, boxes], pose))
    return [_together(part) for part in parts]
