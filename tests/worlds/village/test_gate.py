"""A gate: contests are lived through by two, an ego decides its own, and days follow each other with their memories."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from jepa_social.worlds.village.gate import Days, Gate, Meetings
from jepa_social.worlds.village.grid import distances
from jepa_social.worlds.village.manners import INSIST, RULES, YIELD, Manners, settle

VILLAGES, AGENTS, FRAMES = 8, 4, 25
CUSTOM = RULES.index("custom")


def strangers(rule: int = CUSTOM, count: int = VILLAGES) -> Manners:
    return Manners.strangers(
        torch.full((count, AGENTS), rule), torch.rand(count, AGENTS, generator=torch.manual_seed(0))
    )


class Always:
    """An ego that makes the same move, and writes down what it is shown."""

    def __init__(self, move: int):
        self.move, self.seen = move, []

    def choose(self, who, order):
        return torch.full_like(who, self.move)

    def observe(self, who, mine, theirs, order):
        self.seen.append(torch.stack((who, mine, theirs, order), -1))


@pytest.fixture(scope="module")
def met() -> Meetings:
    return Days(range(VILLAGES), strangers(), frames=FRAMES).live(3)


def test_there_is_one_way_to_the_other_side():
    layout = Gate(agents=6).layout(np.random.default_rng(0))
    assert (~layout.walls[3]).sum() == 1
    walls, target = torch.as_tensor(layout.walls)[None], torch.as_tensor(layout.thing)[None]
    away = distances(walls, target)[0, range(6), layout.start[:, 0], layout.start[:, 1]]
    assert (away >= 4).all()
    assert (away < 30).all()
    assert len({tuple(cell) for cell in layout.start.tolist()}) == len({tuple(c) for c in layout.thing.tolist()}) == 6
    for size, agents in ((6, 4), (3, 4), (7, 0)):
        with pytest.raises(ValueError, match="odd size"):
            Gate(size, agents)


def test_each_contest_is_lived_through_by_two(met):
    one = set(
        zip(
            *(v.tolist() for v in (met.scene, met.day, met.me, met.other, met.mine, met.theirs, met.order)), strict=True
        )
    )
    assert {(s, d, b, a, theirs, mine, -order) for s, d, a, b, mine, theirs, order in one} == one
    assert len(met) > 100
    assert 0.2 < met.clash.float().mean() < 0.3, "of people who toss coins a quarter clashes"
    assert met.crossing.shape == (VILLAGES, 3, AGENTS)
    assert 0 < met.crossing.min() < met.crossing.max() == FRAMES


def test_a_seed_gives_the_same_life_in_every_batch(met):
    known = strangers()
    few = replace(known, **{k: v[:3] for k, v in vars(known).items() if isinstance(v, torch.Tensor)})
    alone, all_of_them = Days(range(3), few, frames=FRAMES).live(3), met.rows(met.scene < 3)
    for name in ("scene", "day", "me", "other", "mine", "theirs", "order"):
        assert torch.equal(getattr(alone, name), getattr(all_of_them, name))


def test_the_ego_decides_its_own_contests_and_sees_what_comes_of_them():
    ego = Always(YIELD)
    met = Days(range(VILLAGES), strangers(), frames=FRAMES).live(2, ego)
    his = met.rows(met.me == 0)
    assert (his.mine == YIELD).all()
    assert met.rows(met.me != 0).mine.float().mean() > 0.3
    who = his.scene * (AGENTS - 1) + his.other - 1
    assert torch.equal(torch.cat(ego.seen), torch.stack((who, his.mine, his.theirs, his.order), -1))


def test_memories_last_over_nights_unless_renewed():
    rule = RULES.index("win_stay_lose_shift")
    kept = Days(range(VILLAGES), strangers(rule), frames=FRAMES)
    kept.live(2)
    renewed = Days(range(VILLAGES), strangers(rule), frames=FRAMES, night=lambda day, known: strangers(rule))
    renewed.live(2)
    assert kept.manners.met.sum() > renewed.manners.met.sum() > 0


def test_customs():
    habits = {"queues": (0.0, 99.0, 0.0), "pushes": (99.0, 0.0, 0.0), "returns": (0.0, 0.0, 99.0)}
    rule = torch.full((1, 3), CUSTOM)
    known = Manners.strangers(rule, torch.zeros(1, 3), torch.tensor([list(habits.values())]))
    known.waited = torch.tensor([[3, 1, 5]])
    half = torch.full((1, 3), 0.5)
    contest = ~torch.eye(3, dtype=torch.bool)[None]
    for theirs, returned in ((YIELD, YIELD), (INSIST, INSIST)):
        after = replace(known.learn(contest, torch.full((1, 3, 3), theirs)), waited=known.waited)
        move = after.choose(half)[0]
        assert move[0].tolist()[1:] == [INSIST, YIELD], "who has waited longer goes"
        assert [move[1, 0], move[1, 2]] == [INSIST, INSIST]
        assert [move[2, 0], move[2, 1]] == [returned, returned]
    assert known.longer()[0, 0].tolist() == [0, 1, -1]


def test_who_is_held_up_has_waited():
    cell = torch.tensor([[[0, 0], [2, 0], [5, 5]]])
    wanted = torch.tensor([[[1, 0], [1, 0], [5, 5]]])
    known = Manners.strangers(torch.full((1, 3), CUSTOM), torch.zeros(1, 3))
    there = torch.ones(1, 3, dtype=torch.bool)
    for frame in (1, 2):
        _, known = settle(cell, wanted, there, known, torch.zeros(1, 3), lambda c, _: torch.full_like(c.long(), INSIST))
        assert known.waited.tolist() == [[frame, frame, 0]]
    _, known = settle(
        cell, wanted, there, known, torch.ones(1, 3), lambda c, _: torch.tensor([[[1] * 3, [0] * 3, [0] * 3]])
    )
    assert known.waited.tolist() == [[0, 3, 0]]


@pytest.mark.parametrize("faces", [True, False])
def test_who_cannot_tell_people_apart_takes_all_for_the_last(faces):
    rule = torch.full((1, 3), RULES.index("tit_for_tat"))
    known = replace(Manners.strangers(rule, torch.zeros(1, 3)), faces=faces)
    contest = torch.zeros(1, 3, 3, dtype=torch.bool)
    contest[0, 0, 1] = contest[0, 1, 0] = True
    after = known.learn(contest, torch.full((1, 3, 3), INSIST))
    move = after.choose(torch.ones(1, 3))[0]
    assert move[0, 1] == INSIST
    assert move[0, 2] == (YIELD if faces else INSIST)
    assert move[2, 0] == YIELD, "it has met nobody"
