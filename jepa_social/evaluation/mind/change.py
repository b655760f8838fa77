"""Capability C, dynamic updating: does a model notice that somebody has changed, and how fast, without seeing ghosts?

The generative model: `worlds/partners.py`. After `SWITCH` interactions everybody becomes another of six characters.
Scored is the log-loss in excess of an observer that knows the character. Observers here are told the characters'
choice probabilities; what they differ in is how they think that the past bears on the present.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from jepa_social.evaluation.mind.scores import Columns
from jepa_social.evaluation.statistics import Interval
from jepa_social.worlds.partners import CHARACTERS, ChoiceLogs, changing_once, choice_log_prob, live_with

SWITCH, AFTER = 60, 60
HAZARD = 1 / 60
"""How often the change-point observer expects somebody to change."""
WINDOW, LEAK = 10, 0.9
LEVELS = (0.5, 0.9)
WITHIN, SMOOTHED = 0.1, 5
"""Share of the optimum, and interactions that are averaged (see `settling`)."""


@dataclass
class ChangeTrials:
    """K people, 60 interactions before and 60 after the switch, and K others who never change.

    Attributes:
        changing, steady: what they did.
    """

    changing: ChoiceLogs
    steady: ChoiceLogs


def draw_trials(count: int, seed: int) -> ChangeTrials:
    """Draw both kinds, `count` people each."""
    generator = torch.Generator().manual_seed(seed)
    steps = SWITCH + AFTER
    changing, steady = (
        live_with(changing_once(count, steps, switch, generator), generator) for switch in (SWITCH, steps)
    )
    return ChangeTrials(changing, steady)


def likelihoods(people: ChoiceLogs) -> Float[Tensor, "N T 6"]:
    """Log-probability of what was chosen, for each character."""
    index = people.choice[..., None, None].expand(*people.choice.shape, len(CHARACTERS), 1)
    return choice_log_prob(people.menu).gather(-1, index)[..., 0]


def told(people: ChoiceLogs) -> Float[Tensor, "N T"]:
    """Log-loss of an observer that knows the character."""
    return -likelihoods(people).gather(-1, people.character[..., None])[..., 0]


def observer(people: ChoiceLogs, how: str) -> tuple[Float[Tensor, "N T+1 6"], Float[Tensor, "N T"]]:
    """Posterior of the character before each interaction and after the last, and the log-loss of each choice.

    Args:
        people: what they did.
        how: `change-point` is the exact observer of people who change at a constant hazard: Bayesian online
            change-point detection (Adams & MacKay 2007), whose sum over run lengths is the forward filter of a hidden
            Markov chain, as the characters are known. `static` allows no change, `window` counts the last 10, `leaky`
            weighs what is n interactions ago by 0.9^n, `prior` learns nothing, `frozen` is `static` and learns nothing
            after the switch.
    """
    like = likelihoods(people)
    n, steps, kinds = like.shape
    prior = like.new_full((n, kinds), 1 / kinds).log()
    log = [prior]
    for t in range(steps):
        evidence = log[-1] + like[:, t]
        if how == "change-point":
            now = evidence.softmax(-1)
            log.append(((1 - HAZARD) * now + HAZARD * (1 - now) / (kinds - 1)).log())
        elif how == "window":
            log.append(prior + like[:, max(0, t + 1 - WINDOW) : t + 1].sum(1))
        elif how == "leaky":
            log.append(LEAK * log[-1] + like[:, t])
        else:
            learns = how == "static" or (how == "frozen" and t < SWITCH)
            log.append(evidence if learns else log[-1])
    posterior = torch.stack(log, dim=1).log_softmax(-1)
    return posterior.exp(), -(posterior[:, :-1] + like).logsumexp(-1)


def change_columns(changing: Float[Tensor, "K T"], steady: Float[Tensor, "K T"], trials: ChangeTrials) -> Columns:
    """Of log-losses: excess summed over the 60 interactions after the switch; its mean an interaction before it.

    `before` is over changing people before they change and steady ones all along up to the same time.
    """
    excess, calm = changing - told(trials.changing), steady - told(trials.steady)
    return {
        "excess_after": excess[:, SWITCH:].sum(1).double().numpy(),
        "excess_before": ((excess[:, :SWITCH] + calm[:, :SWITCH]) / 2).mean(1).double().numpy(),
    }


def noticing(
    changing: Float[Tensor, "K T+1 6"], steady: Float[Tensor, "K T+1 6"], trials: ChangeTrials
) -> tuple[Columns, dict[str, Interval]]:
    """Of posteriors of the character: false alarms, and interactions until the mean posterior of the right one is
    at least 0.5 and 0.9 (61: not within 60).

    A false alarm is an interaction 61..120 of somebody who never changed after which the right character has less
    than 0.5.
    """
    right = changing.gather(-1, trials.changing.character[:, -1][:, None, None].expand(-1, changing.shape[1], 1))[
        ..., 0
    ]
    curve = right[:, SWITCH + 1 :].double().numpy()
    held = steady.gather(-1, trials.steady.character[:, -1][:, None, None].expand(-1, steady.shape[1], 1))[..., 0]
    alarms = (held[:, SWITCH + 1 :] < LEVELS[0]).double().mean(1).numpy()
    return {"false_alarms": alarms}, {f"steps_{round(100 * level)}": _until(curve, level) for level in LEVELS}


def settling(changing: Float[Tensor, "K T"], trials: ChangeTrials) -> Interval:
    """Interactions after the switch until the log-loss is within 10 % of the least that can be had, that of who knows
    the new character: mean excess of that interaction and the next four (61: not within 60)."""
    optimum = told(trials.changing)[:, SWITCH:].double()
    excess = (changing[:, SWITCH:].double() - optimum).unfold(1, SMOOTHED, 1).mean(-1).numpy()
    padded = np.pad(excess, ((0, 0), (0, SMOOTHED - 1)), mode="edge")
    return _until(-padded, -WITHIN * float(optimum.mean()))


def _until(curve: np.ndarray, level: float) -> Interval:
    """Interactions until the mean over people of `curve [K,T]` reaches a level, and the bootstrap's interval."""
    rng = np.random.default_rng(0)
    drawn = np.stack([curve[rng.integers(len(curve), size=len(curve))].mean(0) for _ in range(500)])
    low, high = np.quantile(_crossing(drawn, level), [0.025, 0.975])
    mean = float(_crossing(curve.mean(0, keepdims=True), level)[0])
    return Interval(mean, float(low), float(high), len(curve))


def _crossing(curves: np.ndarray, level: float) -> np.ndarray:
    """First interaction at which each row reaches the level, from 1; one more than there are if it never does."""
    reached = curves >= level
    return np.where(reached.any(1), reached.argmax(1) + 1, curves.shape[1] + 1)
