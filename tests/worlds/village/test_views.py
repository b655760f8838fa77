import pytest
import torch
from pettingzoo.test import parallel_api_test

from jepa_social.worlds.village import Village
from jepa_social.worlds.village.parallel_env import VillageParallelEnv
from jepa_social.worlds.village.render import render
from jepa_social.worlds.village.scenarios import FalseBelief, Market


def test_pettingzoo_conformance():
    parallel_api_test(VillageParallelEnv(Village(Market(agents=4))), num_cycles=60)


def test_an_agent_is_shown_only_what_it_sees():
    env = VillageParallelEnv(Village(FalseBelief(), notice=1.0))
    moved = {}
    for seed in range(40):
        env.reset(seed=seed)
        for _ in range(3):
            views = env.step({})[0]
        moved.setdefault(bool(env.village.visible[0, 0, 4]), []).append(views["agent_0"][5, 2] > 0)
    assert all(moved[True])
    assert not any(moved[False])


def test_pictures_show_the_state_and_no_belief():
    village = Village(FalseBelief(), notice=1.0)
    village.reset(range(20))
    for _ in range(3):
        village.step()
    picture = render(village)
    assert picture.shape == (20, 3, 72, 72)
    village.beliefs.place = torch.zeros_like(village.beliefs.place)
    assert torch.equal(render(village), picture)
    village.cell = village.cell.flip(0)
    assert not torch.equal(render(village), picture)
    with pytest.raises(ValueError, match="at least 6"):
        render(village, 4)


def test_a_picture_has_y_upwards():
    village = Village(Market(agents=1, goods=1, walls=0.0))
    village.reset([0])
    village.cell, village.thing = torch.tensor([[[0, 0]]]), torch.tensor([[[8, 8]]])
    low_left = render(village)[0, :, -4, 4]
    assert low_left.tolist() == pytest.approx([0.84, 0.37, 0.0])
