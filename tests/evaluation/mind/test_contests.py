"""Contests at a gate: what is remembered of them, foreseen, and planned with; cooperation as what comes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from jepa_social.evaluation.mind.contest_observers import (
    CountedContests,
    HabitObserver,
    NoMemory,
    RuleObserver,
    insisting,
)
from jepa_social.evaluation.mind.contests import (
    UNMET,
    GateEgo,
    Histories,
    LearnedForeseer,
    as_interactions,
    histories,
    plan,
)
from jepa_social.evaluation.mind.cooperation import (
    COINS,
    FACES,
    among_learners,
    day_by_day,
    foreseen_columns,
    logs,
    village_columns,
    villagers,
    villages,
)
from jepa_social.evaluation.mind.customs import (
    ONE_OF_THEM,
    PATIENT,
    PUSHERS,
    QUEUERS,
    SPREAD,
    encounter,
    people,
    previous,
)
from jepa_social.models.person import PersonModel
from jepa_social.worlds.village.gate import Days, Meetings
from jepa_social.worlds.village.manners import INSIST, PAYOFF, YIELD

NOBODY = torch.zeros(1, dtype=torch.long)


class TitForTat:
    """Foresees that people do what I did last."""

    def chance(self, past, order, who):
        return (past.last() == INSIST).float()


@pytest.fixture(scope="module")
def met() -> Meetings:
    return logs(6, 4, 25, 0)


@pytest.fixture(scope="module")
def model() -> PersonModel:
    torch.manual_seed(0)
    return PersonModel(4, 2, width=8, depth=1, heads=2).eval()


def history(mine: list[int], theirs: list[int]) -> Histories:
    past = Histories.none(1)
    for a, b in zip(mine, theirs, strict=True):
        past = past.after(NOBODY, *(torch.tensor([value]) for value in (a, b, 0)))
    return past


def test_histories_hold_every_contest_in_order(met):
    past = histories(met, 4)
    for scene, me, other in ((0, 0, 1), (3, 2, 1), (5, 1, 3)):
        rows = met.rows((met.scene == scene) & (met.me == me) & (met.other == other))
        pair = past[torch.tensor([(scene * 4 + me) * 4 + other])]
        assert int(pair.count) == len(rows) > 0
        assert torch.equal(pair.mine[0, : len(rows)], rows.mine)
        assert torch.equal(pair.theirs[0, : len(rows)], rows.theirs)
        before = previous(met)[(met.scene == scene) & (met.me == me) & (met.other == other)]
        assert before.tolist() == [UNMET, *rows.mine.tolist()[:-1]]
    assert past.count.sum() == len(met)


def test_histories_grow_pair_by_pair():
    past, one = Histories.none(3), torch.ones(1, dtype=torch.long)
    for who in (1, 1, 2):
        past = past.after(torch.tensor([who]), one, 0 * one, -one)
    assert past.count.tolist() == [0, 2, 1]
    assert past.last().tolist() == [UNMET, INSIST, INSIST]
    both = Histories.cat([past, Histories.none(1)])
    assert both.count.tolist() == [0, 2, 1, 0]
    logs = as_interactions(past)
    assert logs.known.tolist() == [[False, False], [True, True], [True, False]]
    assert logs.situation[1].tolist() == [[0, 0, 1, 0], [0, 1, 1, 0]], "the first time nothing was done before"


def test_what_comes_later_changes_no_earlier_forecast(model):
    past = history([0, 1, 1, 0], [1, 0, 1, 1])
    told = LearnedForeseer([model]).chance(history([0, 1], [1, 0]), NOBODY, NOBODY)
    cut = Histories(past.mine, past.theirs, past.order, torch.tensor([2]))
    torch.testing.assert_close(LearnedForeseer([model]).chance(cut, NOBODY, NOBODY), told)
    torch.testing.assert_close(
        LearnedForeseer([model, model], 1).chance(past, NOBODY, NOBODY),
        LearnedForeseer([model]).chance(past, NOBODY, NOBODY),
    )


@pytest.mark.parametrize("care", [0.0, 1.0])
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_a_plan_is_the_best_of_all_sequences_if_people_are_foreseen_surely(care, ahead):
    past = history([INSIST], [YIELD])
    worth = plan(TitForTat(), past, NOBODY, NOBODY, care, ahead)[0]
    best = {YIELD: -9.0, INSIST: -9.0}
    for number in range(2**ahead):
        moves = [number >> i & 1 for i in range(ahead)]
        theirs = [INSIST, *moves[:-1]]
        gain = sum(float(PAYOFF[a, b] + care * PAYOFF[b, a]) for a, b in zip(moves, theirs, strict=True))
        best[moves[0]] = max(best[moves[0]], gain)
    assert worth.tolist() == pytest.approx([best[YIELD], best[INSIST]])


def test_exact_observers_find_out_who_somebody_is():
    rules = RuleObserver()
    assert rules.chance(history([], []), NOBODY, NOBODY).item() == pytest.approx((0.5 + 0.0 + 0.5) / 3)
    returns = history([1, 0, 1, 1, 0], [0, 1, 0, 1, 1])
    assert rules.chance(returns, NOBODY, NOBODY).item() < 0.1, "I yielded last, and they return it"
    shifts = history([1, 1, 1, 1], [1, 0, 1, 0])
    assert rules.chance(shifts, NOBODY, NOBODY).item() > 0.8, "they lost by yielding"
    sure = HabitObserver(torch.tensor(PUSHERS), torch.zeros(3))
    for last, past in ((UNMET, history([], [])), (YIELD, history([0], [1])), (INSIST, history([1], [1]))):
        told = insisting(torch.tensor(PUSHERS), torch.tensor(last), torch.tensor(1))
        torch.testing.assert_close(sure.chance(past, NOBODY + 1, NOBODY), told[None])


def test_habits_decide_as_observers_say():
    known = people(150, QUEUERS, 0)
    met = Days(range(150), known, frames=25).live(1)
    met = met.rows(met.other != 0)
    told = insisting(known.habit[met.scene, met.other], previous(met), met.order)
    assert (told - met.theirs).mean().abs() < 0.02
    for order in (-1, 0, 1):
        rows = met.order == order
        assert (told[rows] - met.theirs[rows]).mean().abs() < 0.05, "where who has waited decides"


def test_foresight_is_scored_between_floor_and_ceiling(met):
    exact, counting, none = (
        foreseen_columns(one, met) for one in (RuleObserver(), CountedContests(), NoMemory(CountedContests()))
    )
    assert exact["foreseen"].mean() < counting["foreseen"].mean() - 0.1
    assert none["foreseen"] == pytest.approx([torch.tensor(2.0).log().item()] * 6)
    assert np.nanmean(exact["foreseen_6"]) < exact["foreseen_1"].mean()


def test_learners_cooperate_and_who_tosses_coins_does_not():
    def lived(rule: str, faces: bool = True) -> Meetings:
        return Days(range(8), replace(villagers(8, 0, rule), faces=faces)).live(4)

    shift, learn = "win_stay_lose_shift", "q_learning"
    met = {"all Q": lived(learn), f"all Q, {FACES}": lived(learn, False), "all W": lived(shift), COINS: lived("custom")}
    found = village_columns(met)
    assert found["all W"]["coop_last"].mean() > 0.95
    assert found["all W"]["coop_gain"].mean() > 0.1
    assert found["all Q"]["coop_coins"].mean() > 0.1
    assert 0.65 < found[COINS]["coop_last"].mean() < 0.85
    both = found["all Q"]["coop_last"] - found[f"all Q, {FACES}"]["coop_last"]
    assert found["all Q"]["coop_faces"] == pytest.approx(both)
    assert np.nanmean(day_by_day(met["all W"])[:, 0]) == pytest.approx(found["all W"]["coop_first"].mean())


def test_every_rule_lives_with_every_kind_of_memory():
    met = villages(2, 2, 25, 0)
    assert len(met) == 13
    assert village_columns(met)["all tit-for-tat"]["coop_last"].min() == 1.0
    first = {name: one.rows(one.day == 0) for name, one in met.items()}
    for rule in ("Q-learning", "a mix"):
        one, two = first[f"all {rule}"], first[f"all {rule}, strangers"]
        assert torch.equal(one.mine, two.mine), "on the first day all are strangers"


def test_who_knows_the_rules_does_more_for_all_than_who_follows_one():
    asked = (6, 4, 25, 0)
    kind, selfish = (among_learners(GateEgo(RuleObserver(), 18, care), *asked) for care in (1.0, 0.0))
    coins, yields = (among_learners(None, *asked, push=push) for push in (0.0, -50.0))
    assert kind["ego_both"].mean() > coins["ego_both"].mean() + 0.2
    assert kind["ego_others"].mean() > selfish["ego_others"].mean() + 0.2
    assert selfish["ego_own"].mean() > kind["ego_own"].mean()
    assert yields["ego_clash"].max() == 0.0
    assert kind["ego_both"] == pytest.approx(kind["ego_own"] + kind["ego_others"])


def test_encounters_can_be_cut_where_they_learn(model):
    def met(reads=None, **cut):
        ego = GateEgo(LearnedForeseer([model]), 6, ahead=1, **cut)
        return encounter(ego, PUSHERS, 1, 30, range(2), reads)

    ours, frozen, blind = met(), met(learns=False), met(compares=False)
    assert frozen.learned.count.sum() == 0
    assert ours.learned.count.sum() > 0
    assert ours.surprise.shape == ours.own.shape == ours.crossing.shape == (2,)
    chance = LearnedForeseer([model]).chance(Histories.none(6), torch.zeros(6).long(), torch.arange(6)) > 0.5
    first = blind.learned.theirs[blind.learned.count > 0, 0]
    assert torch.equal(first, chance[blind.learned.count > 0].long()), "it remembers what it expected"
    patient, one = met(PATIENT, learns=False), met(ONE_OF_THEM, learns=False)
    known = torch.arange(patient.learned.mine.shape[1]) < patient.learned.count[:, None]
    assert not patient.learned.mine[known].any(), "it reads somebody who always yields"
    assert one.learned.mine.any()
    exact = encounter(GateEgo(HabitObserver(torch.tensor(PUSHERS), torch.tensor(SPREAD)), 6), PUSHERS, 2, 30, range(2))
    assert (exact.off <= 1).all()
    assert (abs(exact.bias) <= exact.off + 1e-9).all()
