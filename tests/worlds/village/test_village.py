import numpy as np
import pytest
import torch

from jepa_social.data.schema import read_log, write_log
from jepa_social.worlds.record import to_recordings
from jepa_social.worlds.village import Village
from jepa_social.worlds.village.beliefs import UNKNOWN
from jepa_social.worlds.village.scenarios import FalseBelief, Market

BOTH = (FalseBelief(), Market(agents=5, walls=0.15))


def played(seeds, steps: int = 10, scenario=BOTH, **settings) -> Village:
    village = Village(scenario, **settings)
    village.reset(seeds)
    for _ in range(steps):
        village.step()
    return village


def test_a_seed_gives_the_same_scene_in_every_batch():
    whole = played(range(12))
    for seeds in ([7], [3, 7, 4], [8, 7]):
        part, row = played(seeds), list(seeds).index(7)
        n, k = part.cell.shape[1], part.thing.shape[1]
        assert torch.equal(part.cell[row], whole.cell[7, :n])
        assert torch.equal(part.thing[row], whole.thing[7, :k])
        assert torch.equal(part.beliefs.place[row], whole.beliefs.place[7, :n, :k])
    assert torch.equal(played(range(12)).cell, whole.cell)
    assert not torch.equal(played(range(20, 32)).cell, whole.cell)


def test_nobody_walks_into_walls_or_more_than_a_cell():
    village = played(range(40), 15)
    scene = village.history()
    cell = torch.stack([frame[0] for frame in village._frames], 2)
    assert ((cell[:, :, 1:] - cell[:, :, :-1]).abs().sum(-1) <= 1).all()
    here = village.layout.walls[torch.arange(40)[:, None, None], cell[..., 0], cell[..., 1]]
    assert not (here & village.layout.agents[..., None]).any()
    assert scene.walls is not None


def test_beliefs_follow_sight_and_nothing_else():
    village = Village(FalseBelief(), notice=1.0)
    village.reset(range(400))
    before = village.beliefs.place[:, 0, 4].clone()
    for _ in range(3):
        village.step()
    now, seen = village.beliefs.place[:, 0, 4], village.visible[:, 0, 4]
    assert 0.7 < seen.double().mean() < 0.9
    assert torch.equal(now[seen], village.place(village.thing[:, 4])[seen])
    assert torch.equal(now[~seen], before[~seen])
    assert (now[~seen] != village.place(village.thing[:, 4])[~seen]).all(), "an unseen swap makes the belief false"


def test_an_unseen_move_changes_no_step():
    """What agents do depends on beliefs: with nothing noticed, a village with the swap and one without walk alike."""
    moved = played(range(100), 20, FalseBelief(), notice=0.0)
    still = played(range(100), 20, FalseBelief(time=99), notice=0.0)
    assert torch.equal(moved.cell, still.cell)
    assert not torch.equal(played(range(100), 20, FalseBelief(), notice=1.0).cell, still.cell)


def test_watchers_credit_what_they_see_others_see():
    village = Village(FalseBelief(watcher=True), notice=1.0, half_angle=180.0)
    village.reset(range(50))
    for _ in range(3):
        village.step()
    assert torch.equal(village.beliefs.others[:, 1, 0, 4], village.beliefs.place[:, 0, 4])
    blind = Village(FalseBelief(watcher=True), notice=0.0)
    blind.reset(range(50))
    start = blind.beliefs.others[:, 1, 0, 4].clone()
    for _ in range(5):
        blind.step()
    assert torch.equal(blind.beliefs.others[:, 1, 0, 4], start)


def test_who_comes_to_meet_another_goes_where_it_thinks_that_the_other_will_look():
    village = played(range(400), 3, FalseBelief(company=True))
    belief, new = village.beliefs, village.place(village.thing[:, 4])
    knows, credited = belief.place[:, 1, 4] == new, belief.others[:, 0, 1, 4] == new
    assert (credited & ~knows).any(), "who could see it is credited even if it did not take it in"
    assert (~credited & knows).any()
    assert (belief.place[:, 0, 4] == new)[credited].all(), "nobody credits others with what it missed itself"
    assert village.visible[:, 1, 4][credited].all()
    assert torch.equal(belief.expected(village.layout.meets)[:, 0, 4], belief.others[:, 0, 1, 4])
    assert torch.equal(belief.expected(village.layout.meets)[:, 1, 4], belief.place[:, 1, 4])
    for _ in range(40):
        village.step()
    arrived = village.place(village.cell) == village.beliefs.expected(village.layout.meets)[..., 4]
    assert arrived.double().mean() > 0.99
    alone = played(range(400), 3, FalseBelief(company=True), notice=0.0)
    assert (alone.beliefs.expected(alone.layout.meets)[..., 4] != alone.place(alone.thing[:, None, 4])).all()


def test_what_one_thinks_of_the_other_shows_in_how_it_walks():
    """Of two villages with the same chances, the first one walks alike until it may see another thing of the other."""
    blind, wide = (played(range(200), 12, FalseBelief(company=True), half_angle=a) for a in (1.0, 180.0))
    other = blind.beliefs.others[:, 0, 1, 4] != wide.beliefs.others[:, 0, 1, 4]
    assert (blind.cell[:, 0] != wide.cell[:, 0]).any(-1)[other].double().mean() > 0.8
    assert torch.equal(blind.cell[~other, 0], wide.cell[~other, 0])


def test_company_goes_with_nothing_else():
    with pytest.raises(ValueError, match="choose one"):
        FalseBelief(company=True, hidden_goal=True)


def test_prosocial_people_leave_what_others_value():
    village = Village(Market(agents=2, goods=2, walls=0.0))
    village.reset([0])
    village.layout.worth = torch.tensor([[[3.0, 2.0], [9.0, 0.0]]])
    village.layout.svo = torch.zeros(1, 2)
    assert village.sought().tolist() == [[0, 0]]
    village.layout.svo = torch.full((1, 2), torch.pi / 4)
    assert village.sought().tolist() == [[1, 0]]


def test_told_agents_do_as_told_and_nonsense_is_refused():
    village = Village(Market(agents=2, walls=0.0))
    with pytest.raises(RuntimeError, match="reset"):
        village.step()
    village.reset([1, 2])
    before = village.cell.clone()
    village.step(torch.tensor([[0, -1], [0, -1]]))
    assert torch.equal(village.cell[:, 0], before[:, 0])
    with pytest.raises(ValueError, match="action must be"):
        village.step(torch.tensor([[9, 0], [0, 0]]))
    with pytest.raises(ValueError, match="seeds"):
        village.reset([])


def test_branches_do_not_touch_each_other():
    village = played([0, 1, 2], 5)
    cell = village.cell.clone()
    branch = village.branch(2)
    branch.step()
    assert village.time == 5
    assert torch.equal(village.cell, cell)
    village.step()
    assert torch.equal(branch.cell[::2], village.cell)
    assert torch.equal(branch.cell[1::2], village.cell)


def test_logs_are_ordinary_and_hold_no_truth(tmp_path):
    village = played(range(6), 8)
    run = village.history()
    write_log(tmp_path / "village.parquet", to_recordings(run, village.names()), "a test")
    logs = read_log(tmp_path / "village.parquet")
    assert [log.name for log in logs] == village.names()
    assert set(logs[0].extras) == {"ego"}
    for b, log in enumerate(logs):
        frame = np.rint(log.time / log.dt).astype(int)
        np.testing.assert_allclose(log.x, run.position[b, log.agent, frame, 0])


def test_truth_says_what_is_hidden():
    scene = played(range(4), 4).history()
    assert scene.truth is not None
    assert set(scene.truth.keys()) == {"goal", "belief", "expected", "worth", "svo"}
    assert scene.truth["belief"].shape[:2] == scene.kind.shape
    assert (scene.truth["belief"][0, 1:] == UNKNOWN).all(), "things believe nothing"
