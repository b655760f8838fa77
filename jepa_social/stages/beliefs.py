"""Capability A of the `mind` suite: whom latents let say what a walker believes, and what it will do next."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.mind.cloning import clone_steps, heads_for, imitated
from jepa_social.evaluation.mind.false_belief import (
    AFTER,
    SHARES,
    Trials,
    balance,
    balanced_hits,
    run_trials,
)
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.moves import exact_move, next_move, towards, walks_on
from jepa_social.evaluation.mind.observer import BeliefObserver
from jepa_social.evaluation.mind.scores import (
    CEILING,
    FLOOR,
    FRAME_KEYS,
    KEYS,
    TIMED,
    VIEW,
    Columns,
    Scored,
    belief_columns,
    frame_columns,
    move_columns,
    summarise,
)
from jepa_social.evaluation.mind.tomnet import answers, fit_tomnet
from jepa_social.mind.belief import MoveReadout, fit_readout
from jepa_social.models.jepa import SocialJEPA
from jepa_social.stages.belief_inputs import (
    OWN,
    PLAIN,
    Inputs,
    View,
    apart,
    belief_inputs,
    held_out,
    narrowed,
    put_where,
    read_belief,
    together,
    untrained_twin,
    walkers_own,
)
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.grid import MOVES
from jepa_social.worlds.village.scenarios import FalseBelief

LIMIT = 32
"""Frames within which a walker must arrive."""
IGNORANCE, FEW = "ignorance_25", "few_25"
LATER = range(len(SHARES), len(SHARES) + len(AFTER))
"""Questions at fixed frames since the swap."""
Answer = Callable[[Trials, int], Tensor]


def false_belief(jepa: SocialJEPA, settings: DictConfig, ours: str) -> Scored:
    """Readouts of frozen latents are fitted on their own seeds, then everybody is asked the same trials: where the
    walker believes the thing to be, and what its next move is.

    Readouts fitted for it are asked fixed numbers of frames after the move too; there the exact observer needs no hint.

    Ours reads the present latents and those imagined for `settings.ahead`. Rows besides: ours from the present alone,
    and with the scene from the walker's own perspective too; an untrained encoder of the same sizes with the same
    readouts (all three ways); where that perspective puts the thing; ToMnet, behaviour cloning, constant velocity, the
    true state, the state at the start, the exact observer without and with the hint that the moment of the question is.

    Raises:
        ValueError: the model cannot tell things apart, or fitting and scoring seeds overlap.
    """
    fit, asked = map(run_trials, apart(settings, "false_belief"))
    untrained = untrained_twin(jepa, settings.seed)
    found: dict[str, Columns] = {}
    for name, encoder in ((ours, jepa), ("untrained", untrained)):
        found |= _read(encoder, fit, asked, settings, name)
    net = fit_tomnet(fit, _weights(fit)[0], settings.tomnet, settings.seed)
    believed, moved = answers(net, asked)
    found["ToMnet, supervised"] = belief_columns(believed, asked, likely=True) | move_columns(moved[1], asked)
    clone = clone_steps(fit, settings.steps, settings.seed)
    in_view = put_where(asked, _own(settings))
    rows: dict[str, tuple[Answer, Tensor]] = {
        VIEW: (lambda _, share: in_view[:, share], towards(asked, 1, in_view[:, 1].argmax(-1))),
        "behaviour cloning": (lambda trials, share: heads_for(clone, trials, share), imitated(clone, asked, 1)),
        "constant velocity": (constant_velocity, walks_on(fit, asked, 1)),
        "reads the true state": (reads_truth, towards(asked, 1, asked.actual)),
        "never updates": (never_updates, towards(asked, 1, asked.former)),
    }
    for name, (row, moves) in rows.items():
        known = belief_columns([row(asked, i) for i in range(len(SHARES))], asked, likely=False)
        late = frame_columns([row(asked, question).argmax(-1) for question in LATER], asked)
        found[name] = known | late | move_columns(moves, asked)
    for name, timed in ((CEILING, False), (TIMED, True)):
        ideal = BeliefObserver(timed=timed)
        odds = [ideal.posterior(asked, i).log() for i in range(len(SHARES))]
        found[name] = belief_columns(odds, asked, likely=True) | move_columns(exact_move(asked, 1, timed), asked)
    found[CEILING] |= frame_columns([_exact_then(asked, question) for question in LATER], asked)
    for name, columns in _ignorance({ours: jepa, "untrained": untrained}, settings).items():
        found[name] |= columns
    shares = {
        "gap_25": (KEYS[1], FLOOR),
        "gap_timed_25": (KEYS[1], FLOOR, TIMED),
        "gap_ignorance_25": (IGNORANCE, FLOOR),
    } | {f"gap_{key}": (key, FLOOR) for key in FRAME_KEYS}
    return summarise(found, ours, shares)


def _weights(fit: Trials) -> Float[Tensor, "Q K"]:
    """By which false and true beliefs count alike, the same for each of `SHARES`."""
    return balance(fit, torch.ones_like(fit.false)).float().expand(len(SHARES), -1)


def _own(settings: DictConfig) -> View:
    return partial(walkers_own, sight=settings.sight)


def _exact_then(trials: Trials, question: int) -> Tensor:
    """What the exact observer says at one of `LATER`, knowing how many of those under way noticed."""
    noticed = float((~trials.false)[trials.under_way(question)].double().mean())
    return BeliefObserver(noticed=noticed).posterior(trials, question).argmax(-1)


def _read(jepa: SocialJEPA, fit: Trials, asked: Trials, settings: DictConfig, name: str) -> dict[str, Columns]:
    """Rows of one encoder: readouts of parts of one and the same inputs; `FEW` is of one fitted on few trials."""
    known, questions = (
        belief_inputs(jepa, trials, settings.ahead, (_own(settings),), f"{name}: latents") for trials in (fit, asked)
    )
    width, whole, few = jepa.config.width, known[0][0].shape[-1], fit.first(settings.few)
    found = {}
    for row, size in ((name, whole - width), (PLAIN.format(name), width), (OWN.format(name), whole)):
        cut, put = narrowed(known, size), narrowed(questions, size)
        answer = _decoded(fit, cut[: len(SHARES)], put[: len(SHARES)], settings)
        found[row] = belief_columns(answer.belief, asked, likely=True) | move_columns(answer.move, asked)
        some = narrowed(known[: len(SHARES)], size, settings.few)
        guess = read_belief(few, some, _weights(few), settings)(*put[1]).argmax(-1)
        found[row][FEW] = balanced_hits(guess, asked).numpy()
        found[row] |= _then(fit, cut, put, asked, settings)
    return found


def _then(fit: Trials, known: list[Inputs], put: list[Inputs], asked: Trials, settings: DictConfig) -> Columns:
    """One readout for the frame of the swap and those of `LATER`, fitted on who is under way then."""
    when = (0, *LATER)
    weight = torch.stack([balance(fit, fit.under_way(question)).float() for question in when])
    read = read_belief(fit, [known[question] for question in when], weight, settings)
    return frame_columns([read(*put[question]).argmax(-1) for question in LATER], asked)


def _ignorance(encoders: dict[str, SocialJEPA], settings: DictConfig) -> dict[str, Columns]:
    """Who knows and who never knew (see `FalseBelief.ignorant`), in scenes of a kind that no log of pretraining holds.

    Balanced accuracy at 25 % of which box is gone for, and so of whether the walker knows.
    """
    scores: dict[str, Tensor] = {}
    village = Village(FalseBelief(ignorant=True), limit=LIMIT)
    first, count = (settings.fit_seed, settings.first_seed), (settings.ignorant_fit, settings.ignorant_trials)
    fit, asked = (run_trials(range(f, f + n), LIMIT, village) for f, n in zip(first, count, strict=True))
    for name, encoder in encoders.items():
        known, questions = (
            belief_inputs(encoder, part, settings.ahead, (), f"{name}: who knows", range(len(SHARES)))
            for part in (fit, asked)
        )
        scores[name] = read_belief(fit, known, _weights(fit), settings)(*questions[1])
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
    weight = _weights(fit)
    belief = read_belief(fit, known, weight, settings)
    inputs = together(known)
    moves = [next_move(fit, share) for share in range(len(SHARES))]
    move, made = (torch.cat(part) for part in zip(*moves, strict=True))
    step = MoveReadout(inputs[0].shape[-1], len(MOVES))
    held = held_out(fit, len(SHARES))
    step = fit_readout(step, inputs, move, weight.flatten() * made, held, settings.steps, settings.seed)
    with torch.no_grad():
        return _Answer([belief(*question) for question in questions], step(*questions[1]).log_softmax(-1))
