import math

import torch

from jepa_social.worlds import social_force
from jepa_social.worlds.social_force import group_pull, social_force_velocity
from tests.worlds.crowds import random_crowd

DT = 0.1


def alone(position=(0.0, 0.0), velocity=(0.0, 0.0), wanted=(1.0, 0.0)):
    def one(pair):
        return torch.tensor([[pair]], dtype=torch.float64)

    ones = torch.ones(1, 1, dtype=torch.float64)
    return one(position), one(velocity), one(wanted), 0.3 * ones, 2 * ones, ones > 0


def test_alone_the_velocity_relaxes_to_the_preferred_one():
    new = social_force_velocity(*alone(), DT, relaxation=0.5)
    torch.testing.assert_close(new[0, 0], torch.tensor([DT / 0.5, 0.0]).double())


def test_repulsion_is_the_papers_equation():
    position = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]).double()
    velocity = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]]).double()
    radius, speed = torch.full((1, 2), 0.3).double(), torch.full((1, 2), 9.0).double()
    new = social_force_velocity(
        position, velocity, velocity, radius, speed, speed > 0, DT, strength=2.0, range=0.5, anisotropy=0.25
    )
    force = 2.0 * math.exp((0.6 - 1.0) / 0.5)
    expected = torch.tensor([1 - DT * force, 1 + DT * force * 0.25]).double()  # seen ahead; felt from behind
    torch.testing.assert_close(new[0, :, 0], expected)
    assert (new[..., 1] == 0).all()


def test_a_wall_pushes_away_and_is_felt_only_near():
    wall = torch.tensor([[[-5.0, 0.5, 5.0, 0.5]]]).double()
    new = social_force_velocity(*alone(), DT, walls=wall, wall_strength=3.0, wall_range=0.2)
    torch.testing.assert_close(new[0, 0, 1], torch.tensor(-DT * 3.0 * math.exp((0.3 - 0.5) / 0.2)).double())
    far = social_force_velocity(*alone(position=(0.0, -5.0)), DT, walls=wall)
    assert far[0, 0, 1].abs() < 1e-9


def test_permutation_padding_and_single_agents():
    crowd = random_crowd(4, 7, 4.0)
    all_of_them = social_force_velocity(*crowd, DT)
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    permuted = social_force_velocity(*(part[:, order] for part in crowd), DT)
    torch.testing.assert_close(permuted, all_of_them[:, order], rtol=0, atol=1e-12)
    padded = [torch.cat((part, torch.zeros_like(part[:, :2])), dim=1) for part in crowd]
    torch.testing.assert_close(social_force_velocity(*padded, DT)[:, :7], all_of_them, rtol=0, atol=1e-12)
    me = torch.full((4, 1), 2)
    position, velocity, wanted, radius, speed, present = crowd
    one = social_force_velocity(position, velocity, wanted[:, 2:3], radius, speed[:, 2:3], present, DT, agents=me)
    torch.testing.assert_close(one, all_of_them[:, 2:3], rtol=0, atol=1e-12)


def test_deciding_agents_may_be_a_slice_and_chunks_change_nothing(monkeypatch):
    position, velocity, wanted, radius, speed, present = random_crowd(6, 9, 4.0)
    everyone = social_force_velocity(position, velocity, wanted, radius, speed, present, DT)
    monkeypatch.setattr(social_force, "CHUNK", 100)
    rest = slice(2, None)
    some = social_force_velocity(position, velocity, wanted[:, rest], radius, speed[:, rest], present, DT, agents=rest)
    torch.testing.assert_close(some, everyone[:, rest], rtol=0, atol=1e-12)


def test_who_is_far_or_not_there_pushes_nobody():
    position, velocity, wanted, radius, speed, present = random_crowd(1, 3, 0.5)
    position = position + torch.tensor([[[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]]])
    free = social_force_velocity(position, velocity, wanted, radius, speed, present & False, DT, strength=1e6)
    near = social_force_velocity(position, velocity, wanted, radius, speed, present, DT, 1e6, neighbor_dist=2.0)
    assert torch.equal(near, free)
    reached = social_force_velocity(position, velocity, wanted, radius, speed, present, DT, 1e6, neighbor_dist=6.0)
    assert (reached != free).any(-1).all()


def test_speed_is_cut():
    crowd = random_crowd(4, 20, 2.0)
    assert (social_force_velocity(*crowd, DT).norm(dim=-1) <= crowd[4] + 1e-9).all()


def test_a_stray_member_is_pulled_to_its_group_and_nobody_else_is():
    position = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [8.0, 0.0], [4.0, 4.0]]]).double()
    group = torch.tensor([[0, 0, 0, -1]])
    me = torch.arange(4)[None]
    pull = group_pull(position, position, torch.ones(1, 4, dtype=torch.bool), group, me)
    expected = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]).double()
    torch.testing.assert_close(pull[0], expected)
