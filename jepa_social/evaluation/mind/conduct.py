"""What an ego does that is moved by its internal social reward, and the tests that tell this reward from a real one."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepa_social.evaluation.mind.judgement import AudienceObserver, live_through, meet_audiences, situations
from jepa_social.evaluation.mind.scores import Columns
from jepa_social.mind.social_reward import BelievedReward
from jepa_social.models.person import Interactions
from jepa_social.worlds.audience import HURT, NOTICED_NOW, Witnessed, former_audiences, occasions, react

Mind = BelievedReward | AudienceObserver
Rule = Callable[[Float[Tensor, "N"], Bool[Tensor, "N"]], Bool[Tensor, "N"]]
"""Gain of a slip and whether it would be in public, to whether to slip."""


def as_interactions(met: Witnessed) -> Interactions:
    """What a model sees: where it was, what the ego did, and whether they frowned. No evaluation, nobody's q."""
    acts = torch.eye(2).expand(*met.slip.shape, 2, 2)
    known = torch.ones_like(met.slip)
    return Interactions(situations(met.public, met.slip), acts, met.frown.long(), known)


def audience_logs(count: int, steps: int, seed: int) -> Witnessed:
    """Logs of the ego's past, among people who notice twice as much as those that it meets."""
    generator = torch.Generator().manual_seed(seed)
    noticing = former_audiences(count, generator)
    public, slip = occasions(count, steps, generator)
    return react(noticing, public, slip, generator)


def evenly(logs: Interactions, count: int) -> Interactions:
    """So many of the people of the logs as differ evenly in how often they reacted, half of them more than the mean.

    Rare people are rare in logs, so a model learns last what they are like, and thinks till then that they are less so:
    that is where its belief stalls. Practising on them as often as on others mends that, at the price of a prior that
    expects them. Nothing but reactions is looked at.
    """
    often = logs.choice.double().mean(1)
    mean = often.mean()
    reach = torch.minimum(often.max() - mean, mean - often.min())
    free, rows = torch.ones(len(often), dtype=torch.bool), []
    for share in torch.linspace(-1, 1, count).abs().argsort(descending=True):  # the rarest choose first
        wanted = mean + reach * (2 * share / max(1, count - 1) - 1)
        rows.append(int((often - wanted).abs().masked_fill(~free, torch.inf).argmin()))
        free[rows[-1]] = False
    return logs[torch.tensor(rows)]


def selfish(gain: Float[Tensor, "N"], public: Bool[Tensor, "N"]) -> Bool[Tensor, "N"]:
    """Takes whatever it gains by."""
    return gain > 0


def altruistic(gain: Float[Tensor, "N"], public: Bool[Tensor, "N"]) -> Bool[Tensor, "N"]:
    """Never slips where it might hurt anybody."""
    return ~public


def conduct(mind: Mind | Rule, count: int, steps: int, seed: int) -> Columns:
    """Own return and social welfare per interaction of an ego that chooses whether to slip.

    A slip (pushing in, taking the last piece) gains the ego g ~ U(0, 1), which it sees. A mind slips if g plus the
    reward that it expects of it is more than what it expects of behaving, and learns from the reactions to what it did.
    Own return is g and the true evaluation; whoever notices a slip loses 0.5 more, which welfare counts too.

    Args:
        mind: a fresh mind of `count`, or a rule.
        count, steps, seed: of the encounters; gains and places are the same for everybody.
    """
    generator = torch.Generator().manual_seed(seed)
    gain = torch.rand(count, steps, generator=generator)
    public, _ = occasions(count, steps, generator)
    slips, own, welfare = [], [], []
    for t in range(steps):
        here, would = public[:, t], torch.ones_like(public[:, t])
        if isinstance(mind, BelievedReward | AudienceObserver):
            better = mind.reward(situations(here, would)) - mind.reward(situations(here, ~would))
            slip = gain[:, t] + better > 0
        else:
            slip = mind(gain[:, t], here)
        met = react(torch.full((count,), NOTICED_NOW), here[:, None], slip[:, None], generator)
        if isinstance(mind, BelievedReward | AudienceObserver):
            mind.observe(situations(here, slip), met.frown[:, 0].long())
        own.append(gain[:, t] * slip + met.evaluation[:, 0])
        welfare.append(own[-1] - HURT * (met.evaluation[:, 0] < 0))
        slips.append((slip & here).float())
    return {
        "own_return": torch.stack(own, 1).mean(1).double().numpy(),
        "welfare": torch.stack(welfare, 1).mean(1).double().numpy(),
    }


def decoupling(fresh: Callable[[int], Mind], count: int, seed: int) -> Columns:
    """The four tests that the reward is a belief about others and nothing else, each in units of evaluation.

    After 20 interactions, of a slip in public unless it says otherwise:

    - `actual_moves`: the audience now notices nine slips of ten; how far the reward moves before a reaction arrives (0)
    - `belief_moves`: by how much 10 frowns lower the reward against 10 faces that stay calm, nothing else changed (> 0)
    - `private_costs`: what a slip in private costs against none (0)
    - `noticed_costs`: noticed or not, by how much the reward differs before the reaction arrives (0).
    """
    past = meet_audiences(count, seed, steps=20)
    often, calm = (react(torch.full((count,), q), *_slips(count), _again(seed)) for q in (0.9, NOTICED_NOW))
    ever, never = (react(torch.full((count,), q), *_slips(count), _again(seed)) for q in (1.0, 0.0))
    asked = torch.ones(count, 2)

    def after(*parts: Witnessed) -> Mind:
        mind = fresh(count)
        for part in parts:
            live_through(mind, part)
        return mind

    def expected(now: Witnessed) -> Tensor:
        """Of the first slip of `now`, which has happened and has not been reacted to."""
        return live_through(after(past), now)[0][:, 0]

    frowns, faces = (
        Witnessed(calm.public, calm.slip, torch.full_like(calm.frown, shown), calm.evaluation)
        for shown in (True, False)
    )
    private = torch.tensor([0.0, 1.0]).expand(count, -1)
    mind = after(past)
    columns = {
        "actual_moves": expected(often) - expected(calm),
        "belief_moves": after(past, faces).reward(asked) - after(past, frowns).reward(asked),
        "private_costs": mind.reward(torch.zeros(count, 2)) - mind.reward(private),
        "noticed_costs": expected(ever) - expected(never),
    }
    return {
        name: (value if name == "belief_moves" else value.abs()).double().numpy() for name, value in columns.items()
    }


def _slips(count: int, steps: int = 10) -> tuple[Bool[Tensor, "N T"], Bool[Tensor, "N T"]]:
    return torch.ones(count, steps, dtype=torch.bool), torch.ones(count, steps, dtype=torch.bool)


def _again(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed + 1)
