import pytest
import torch

from jepa_social.worlds.village import Village
from jepa_social.worlds.village.manners import EXPLORE, INSIST, RULES, YIELD, Manners, settle
from jepa_social.worlds.village.scenarios import Market


def met(*rules: str, rounds: list[list[int]]) -> Manners:
    """Two strangers after contests with the given moves."""
    manners = Manners.strangers(torch.tensor([[RULES.index(rule) for rule in rules]]), torch.zeros(1, 2))
    contest = ~torch.eye(2, dtype=torch.bool)[None]
    for mine, theirs in rounds:
        manners = manners.learn(contest, torch.tensor([[[0, mine], [theirs, 0]]]))
    return manners


SURE = torch.ones(1, 2)


def test_tit_for_tat_returns_what_it_got_and_bears_a_grudge():
    assert met("tit_for_tat", "tit_for_tat", rounds=[]).choose(SURE)[0, 0, 1] == YIELD
    assert met("tit_for_tat", "q_learning", rounds=[[YIELD, INSIST]]).choose(SURE)[0, 0, 1] == INSIST
    assert met("tit_for_tat", "q_learning", rounds=[[YIELD, INSIST], [INSIST, YIELD]]).choose(SURE)[0, 0, 1] == YIELD


def test_who_wins_stays_and_who_loses_shifts():
    rule = "win_stay_lose_shift"
    assert met(rule, rule, rounds=[[INSIST, YIELD]]).choose(SURE)[0].tolist()[0][1] == INSIST
    assert met(rule, rule, rounds=[[INSIST, INSIST]]).choose(SURE)[0, 0, 1] == YIELD
    assert met(rule, rule, rounds=[[YIELD, INSIST]]).choose(SURE)[0, 0, 1] == INSIST


def test_q_learning_finds_that_one_can_insist_with_who_yields_and_not_with_who_insists():
    easy = met("q_learning", "tit_for_tat", rounds=[[INSIST, YIELD], [YIELD, YIELD]] * 5)
    hard = met("q_learning", "tit_for_tat", rounds=[[INSIST, INSIST], [YIELD, INSIST]] * 5)
    assert easy.choose(SURE)[0, 0, 1] == INSIST
    assert hard.choose(SURE)[0, 0, 1] == YIELD
    assert hard.cooperation().item() == pytest.approx(0.5)


def test_a_contest_is_won_by_who_insists_alone():
    cell = torch.tensor([[[0, 0], [2, 0]]])
    wanted = torch.tensor([[[1, 0], [1, 0]]])
    there = torch.ones(1, 2, dtype=torch.bool)
    for moves, expected in (((1, 0), [1, 2]), ((0, 1), [0, 1]), ((1, 1), [0, 2]), ((0, 0), [0, 2])):
        manners = met("win_stay_lose_shift", "win_stay_lose_shift", rounds=[])
        manners.mine = torch.tensor(moves)[None, :, None].expand(1, 2, 2)
        new, after = settle(cell, wanted, there, manners, SURE)
        assert new[0, :, 0].tolist() == expected
        assert after.met[0, 0, 1] == 1


def test_people_queue_and_never_change_places():
    cell = torch.tensor([[[0, 0], [1, 0], [2, 0]]])
    wanted = torch.tensor([[[1, 0], [0, 0], [3, 0]]])
    manners = Manners.strangers(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 3))
    new, after = settle(cell, wanted, torch.ones(1, 3, dtype=torch.bool), manners, torch.ones(1, 3))
    assert new[0, :, 0].tolist() == [0, 1, 3]
    assert after.met.sum() == 0


@pytest.mark.parametrize("agents", [2, 16])
def test_nobody_shares_a_cell_and_cooperation_is_measured(agents):
    village = Village(Market(agents=agents, goods=2, walls=0.0), rules=RULES)
    village.reset(range(60))
    for _ in range(25):
        village.step()
        place = village.place(village.cell)
        assert all(len(set(row)) == agents for row in place.tolist())
    assert village.manners is not None
    if agents > 2:
        rate = village.manners.cooperation()
        assert village.manners.met.sum() > 0
        assert ((rate >= 0) & (rate <= 1) | rate.isnan()).all()
    branch = village.branch(2)
    assert branch.manners is not None
    assert len(branch.manners.met) == 120


def test_what_deals_the_rules_decides_nothing_else():
    village = Village(Market(agents=8, goods=2), limit=3, rules=RULES)
    village.reset(range(400))
    manners = village.manners
    assert manners is not None
    explores, turns = village._manner_chance[:, 0] < EXPLORE, village._step_chance[:, 0] < 0.5
    for rule in range(len(RULES)):
        dealt = manners.rule == rule  # about 800 people: 0.05 are more than four standard deviations
        assert dealt.float().mean().item() == pytest.approx(1 / len(RULES), abs=0.05)
        assert explores[dealt].float().mean().item() == pytest.approx(EXPLORE, abs=0.05)
    insists = manners.mine[:, :, 0] == INSIST
    assert (insists == turns).float().mean().item() == pytest.approx(0.5, abs=0.05)
    plain = Village(Market(agents=8, goods=2), limit=3)
    plain.reset(range(400))
    assert torch.equal(plain._heed_chance, village._heed_chance), "without rules nothing else is drawn"


def test_unknown_rules_are_refused():
    with pytest.raises(ValueError, match=r"world\.rules"):
        Village(Market(), rules=["grudge"])
