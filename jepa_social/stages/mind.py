"""The `mind` suite: five capabilities of a social mind, each between its floors and its ceiling (A is here)."""

from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.progress import track
from torch import Tensor

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.mind.cloning import clone_steps, heads_for
from jepa_social.evaluation.mind.false_belief import BOXES, SHARES, WALKER, Trials, run_trials
from jepa_social.evaluation.mind.figures import belief_figure
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.observer import BeliefObserver
from jepa_social.evaluation.mind.scores import CEILING, FLOOR, KEYS, Columns, Scored, belief_columns, joined, summarise
from jepa_social.evaluation.results import merge_scores
from jepa_social.mind.belief import BeliefReadout, fit_belief, place_pose
from jepa_social.mind.perspective import perspective
from jepa_social.models.jepa import SocialJEPA
from jepa_social.stages.mind_reward import social_reward
from jepa_social.stages.mind_updating import updating
from jepa_social.stages.offers import closed_loop
from jepa_social.stages.values import value_inference

CHUNK = 250
"""Trials encoded at a time."""
HELD = 5
"""One of so many fitting trials chooses the stopping step."""
Inputs = tuple[Tensor, Tensor, Tensor]


def score_mind(run: Path, jepa: SocialJEPA, suite: DictConfig, ours: str) -> None:
    """Score all capabilities of the suite and merge them, with figures, into `run`; models of people are trained on
    first use and kept in `<run>/mind/`.

    Raises:
        ValueError: the model cannot tell things apart, or fitting and scoring seeds overlap.
    """
    believed = false_belief(jepa, suite.false_belief, ours)
    save(belief_figure(believed[0], ours), run / "figures" / "mind_false_belief.png")
    parts = [
        believed,
        value_inference(run, suite.value_inference, ours),
        updating(run, suite.updating, ours),
        social_reward(run, suite.social_reward, ours),
        closed_loop(run, suite.closed_loop, ours),
    ]
    merge_scores(run, suite.name, *joined(parts, ours))


def false_belief(jepa: SocialJEPA, settings: DictConfig, ours: str) -> Scored:
    """Capability A: readouts of frozen latents are fitted on their own seeds, then everybody is asked the same trials.

    Rows besides ours: ours from the walker's own perspective too, an untrained encoder of the same sizes with the same
    readout (both ways), behaviour cloning, constant velocity, the true state, the state at the start, the exact
    observer.
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
        for suffix, twice in (("", False), (" + perspective", True)):
            answers = _decoded(encoder, fit, asked, settings, twice, name + suffix)
            found[name + suffix] = belief_columns(answers, asked, likely=True)
    clone = clone_steps(fit, settings.steps, settings.seed)
    rows = {
        "behaviour cloning": lambda trials, share: heads_for(clone, trials, share),
        "constant velocity": constant_velocity,
        "reads the true state": reads_truth,
        "never updates": never_updates,
    }
    for name, row in rows.items():
        found[name] = belief_columns([row(asked, i) for i in range(len(SHARES))], asked, likely=False)
    ideal = BeliefObserver()
    odds = [ideal.posterior(asked, i).log() for i in range(len(SHARES))]
    found[CEILING] = belief_columns(odds, asked, likely=True)
    return summarise(found, ours, {"gap_25": (KEYS[1], FLOOR)})


def _decoded(
    jepa: SocialJEPA, fit: Trials, asked: Trials, settings: DictConfig, twice: bool, name: str
) -> list[Tensor]:
    """Log-probabilities `[K,4]` of each question: one readout for all three, fitted on all three."""
    known, questions = (_inputs(jepa, trials, twice, f"{name}: latents") for trials in (fit, asked))
    target, false = fit.believed.repeat(len(SHARES)), fit.false.repeat(len(SHARES))
    weight = torch.where(false, 1 / false.float().mean(), 1 / (~false).float().mean())
    held = (torch.arange(len(fit.believed)) % HELD == 0).repeat(len(SHARES))
    joined = (torch.cat([x[0] for x in known]), torch.cat([x[1] for x in known]), torch.cat([x[2] for x in known]))
    readout = fit_belief(
        BeliefReadout(joined[0].shape[-1]), joined, target, weight, held, settings.steps, settings.seed
    )
    with torch.no_grad():
        return [readout(*question).log_softmax(-1).double() for question in questions]


@torch.no_grad()
def _inputs(jepa: SocialJEPA, trials: Trials, twice: bool, name: str) -> list[Inputs]:
    """What a readout gets for each question: latents of walker and boxes, and where boxes lie.

    If `twice`, latents of the scene as the walker has seen it are appended. Latents are causal, so one encoding serves
    all questions.
    """
    parts: list[list[Inputs]] = [[] for _ in SHARES]
    boxes = slice(trials.first_box, trials.first_box + BOXES)
    for first in track(range(0, len(trials.asked), CHUNK), description=name):
        asked = trials.asked[first : first + CHUNK]
        scene = trials.scene[first : first + CHUNK].between(0, int(asked.max()) + 1)
        state = jepa.encode(scene).state
        if twice:
            own = perspective(scene, torch.full_like(asked[:, 0], WALKER))
            state = torch.cat((state, jepa.encode(own).state), dim=-1)
        rows, place = torch.arange(len(asked)), scene.position[:, boxes, 0]
        for part, frame in zip(parts, asked.unbind(1), strict=True):
            now = state[rows, :, frame]
            pose = place_pose(scene.position[rows, WALKER, frame], scene.heading[rows, WALKER, frame], place)
            part.append((now[:, WALKER], now[:, boxes], pose))
    return [(torch.cat([x[0] for x in p]), torch.cat([x[1] for x in p]), torch.cat([x[2] for x in p])) for p in parts]
