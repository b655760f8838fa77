"""Capability A of the `mind` suite, second order: do latents let say what somebody thinks that another believes?"""

from functools import partial

import torch
from omegaconf import DictConfig
from torch import Tensor

from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, WALKER
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.scores import CEILING, FLOOR, TIMED, VIEW, Columns, Scored, summarise
from jepa_social.evaluation.mind.second_order import SEEKER, Pairs, SecondOrderObserver, run_pairs
from jepa_social.evaluation.mind.second_order_scores import SECOND_KEYS, second_columns
from jepa_social.mind.perspective import perspective
from jepa_social.models.jepa import SocialJEPA
from jepa_social.scene import Scene
from jepa_social.stages.belief_inputs import (
    OWN,
    PLAIN,
    apart,
    belief_inputs,
    everyone,
    narrowed,
    put_where,
    read_belief,
    untrained_twin,
    walkers_own,
)

FIRST_ORDER = "what the other really believes"


def second_order(jepa: SocialJEPA, settings: DictConfig, ours: str) -> Scored:
    """Readouts of frozen latents are fitted on their own seeds, then everybody is asked the same trials: where the
    first one thinks that the seeker believes the thing to be.

    Ours reads, of the first one and the boxes, the present latents, those of the scene as the first one has seen it,
    and of the scene as it can know that the seeker has seen it. Rows besides: the first of these alone, and the first
    two; an untrained encoder of the same sizes with the same readouts (all three ways); where the last scene puts the
    thing, without a network; what the seeker really believes; constant velocity of the first one; the true state, which
    is what the first one believes itself; the state at the start; the exact observer without and with the hint that the
    moment of the question is.

    Raises:
        ValueError: the model cannot tell things apart, or fitting and scoring seeds overlap.
    """
    fit, asked = map(run_pairs, apart(settings, "second_order"))
    found: dict[str, Columns] = {}
    for name, encoder in ((ours, jepa), ("untrained", untrained_twin(jepa, settings.seed))):
        found |= _read(encoder, fit, asked, settings, name)
    rows = {"constant velocity": constant_velocity, "reads the true state": reads_truth, "never updates": never_updates}
    for name, row in rows.items():
        scores = [row(asked.trials, share) for share in range(len(SHARES))]
        found[name] = second_columns(scores, asked, likely=False)
    nested = partial(as_known_to_the_first, sight=settings.sight)
    found[VIEW] = second_columns(list(put_where(asked.trials, nested).unbind(1)), asked, likely=False)
    told = torch.nn.functional.one_hot(asked.other, BOXES).float()
    found[FIRST_ORDER] = second_columns([told] * len(SHARES), asked, likely=False)
    for name, timed in ((CEILING, False), (TIMED, True)):
        exact = SecondOrderObserver(timed=timed)
        odds = [exact.answer(asked, share).log() for share in range(len(SHARES))]
        found[name] = second_columns(odds, asked, likely=True)
    shares = {
        "second_gap_0": (SECOND_KEYS[0], FLOOR),
        "second_gap_25": (SECOND_KEYS[1], FLOOR),
        "second_gap_timed_25": (SECOND_KEYS[1], FLOOR, TIMED),
    }
    return summarise(found, ours, shares)


def as_known_to_the_first(scene: Scene, sight: float) -> Scene:
    """The scene as the first one can know that the seeker has seen it, if both see `sight` degrees to either side."""
    return perspective(scene, everyone(scene, SEEKER), sight, by=everyone(scene, WALKER))


def _read(jepa: SocialJEPA, fit: Pairs, asked: Pairs, settings: DictConfig, name: str) -> dict[str, Columns]:
    """Rows of one encoder: readouts of parts of one and the same inputs."""
    views = [partial(view, sight=settings.sight) for view in (walkers_own, as_known_to_the_first)]
    known, questions = (belief_inputs(jepa, pairs.trials, (), views, f"{name}: second order") for pairs in (fit, asked))
    weight = torch.ones(len(SHARES), len(fit.other))
    width, whole = jepa.config.width, known[0][0].shape[-1]
    found = {}
    for row, size in ((name, whole), (PLAIN.format(name), width), (OWN.format(name), whole - width)):
        answer = read_belief(fit.trials, narrowed(known, size), weight, settings)
        scores: list[Tensor] = [answer(*question) for question in narrowed(questions, size)]
        found[row] = second_columns(scores, asked, likely=True)
    return found
