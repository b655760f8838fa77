"""Branches of a moment: the same until then, the same people, and recordings that no split separates."""

import numpy as np
import pytest
import torch

from jepa_social.data.source import Deal, moment, origin
from jepa_social.worlds.branches import PLANS, Branching, branch_out
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.nominal import nominal_paths
from jepa_social.worlds.people import CROWDNAV, Population
from jepa_social.worlds.scenarios import CircleCrossing, DenseSquare
from jepa_social.worlds.simulate import simulate

SHORT = {"people": 4, "seconds": 5.0, "progress": False}


def started(frames: int = 10, **settings) -> Crowd:
    world = Crowd(CircleCrossing(), 5, visible=True, **settings)
    world.reset(range(4))
    for _ in range(frames):
        world.step(torch.tensor([0.0, 0.8]).expand(4, 2))
    return world


def test_branches_share_the_past_and_part_with_the_plan():
    world = started()
    runs = dict(zip((p.name for p in PLANS), branch_out(world, PLANS, 8, 12), strict=True))
    now = world.scene(8)
    for name, run in runs.items():
        assert torch.equal(run.position[:, 1:, :8], now.position[:, 1:]), name
        assert run.present[:, 0, 8:].any() == (name != "absent")
    assert world.history().frames == 11, "the world itself stays where it is"
    stop = runs["stop"].position
    assert torch.equal(stop[:, 0, 8:], stop[:, 0, 7:8].expand(-1, 12, -1))
    for name in ("go on", "swerve left", "absent"):
        assert (runs[name].position[:, 1:, -1] - stop[:, 1:, -1]).norm(dim=-1).amax() > 0.1, name


def test_an_absent_ego_is_as_good_as_an_invisible_one():
    world = started()
    run = branch_out(world, PLANS, 8, 12)[-1]
    blind = world.clone()
    blind.hide_ego(torch.ones(4, dtype=torch.bool))
    for _ in range(12):
        blind.step(torch.tensor([1.0, 0.0]).expand(4, 2))
    torch.testing.assert_close(run.position[:, 1:], blind.scene(20).position[:, 1:])


def test_some_scenes_may_be_branched_alone():
    world = started()
    whole, two = branch_out(world, PLANS, 8, 6), branch_out(world, PLANS, 8, 6, [3, 1])
    for every, chosen in zip(whole, two, strict=True):
        torch.testing.assert_close(chosen.position, every.position[[3, 1]], rtol=0, atol=1e-6)


def test_moments_are_the_seeds_and_logs_do_not_depend_on_the_batch():
    branching = Branching(moments=2, within=4.0, after=4)
    assert branching.draw(7, 0.25) == branching.draw(7, 0.25)
    together, apart = (simulate(episodes=6, batch=batch, branching=branching, **SHORT) for batch in (6, 2))
    assert [one.name for one in together] == [one.name for one in apart]
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_allclose(a.x, b.x, atol=1e-6, err_msg=a.name)
    plain = simulate(episodes=6, **SHORT)
    trunks = [one for one in together if "#" not in one.name]
    for a, b in zip(trunks, plain, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.x, b.x)
    assert len(together) > 6 + 5 * 6


def test_few_and_many_people_are_simulated_apart_and_as_if_together():
    mixed = (CircleCrossing(), DenseSquare(people=(9, 12)))
    branching = Branching(moments=1, within=4.0, after=2)
    logs = simulate(mixed, episodes=4, branching=branching, **SHORT)
    alone = [log for seed in range(4) for log in simulate(mixed, 1, seed, branching=branching, **SHORT)]
    found = {log.name: log for log in logs}
    assert sorted(found) == sorted(log.name for log in alone)
    for log in alone:
        np.testing.assert_allclose(found[log.name].x, log.x, atol=1e-6, err_msg=log.name)


def test_an_episode_and_its_branches_fall_into_one_split():
    names = [f"corridor-{k:04d}{tail}" for k in range(300) for tail in ("", "#007-stop", "#007-go on", "#011-stop")]
    for deal in (Deal(0.2, 0.2), Deal(0.2, ["corridor-000*", "corridor-0123"])):
        dealt = deal.split(names)
        assert all(len(set(dealt[k : k + 4])) == 1 for k in range(0, len(names), 4))
        assert set(dealt) == {"train", "val", "test"}
    assert (origin(names[2]), moment(names[2])) == ("corridor-0000", "corridor-0000#007")
    with pytest.raises(ValueError, match="fits no recording"):
        Deal(0.0, ["corridor-0000#*"]).split(names)


def test_impossible_moments_are_named():
    with pytest.raises(ValueError, match="raise `within`"):
        Branching(moments=9, within=3.0).draw(0, 0.25)
    with pytest.raises(ValueError, match=">= 1"):
        Branching(moments=0)


def test_the_nominal_simulator_is_the_simulator_where_people_are_nominal():
    """Everybody alike and with known goals: the only thing left to know is nothing."""
    alike = Crowd(CircleCrossing(), 5, CROWDNAV, visible=True)
    now = alike.reset(range(4))
    for _ in range(8):
        now = alike.step(torch.tensor([0.0, 0.8]).expand(4, 2))
    run = branch_out(alike, PLANS[:1], 8, 6)[0]
    assert now.truth is not None
    commands, gone = run.velocity[:, 0, 8:], torch.zeros(4, dtype=torch.bool)
    found = nominal_paths(now, commands, gone, CROWDNAV, now.truth["goal"])
    torch.testing.assert_close(found[:, 1:], run.position[:, 1:, 8:], rtol=0, atol=2e-3)


def test_without_goals_nominal_people_walk_on_and_see_only_who_is_there():
    world = Crowd(CircleCrossing(), 1, Population(social_force=0.0), visible=True)
    world.reset([0])
    for _ in range(8):
        now = world.step(torch.zeros(1, 2))
    commands = torch.zeros(1, 6, 2)
    gone = nominal_paths(now, commands, torch.tensor([True]), world.population)
    steps = torch.arange(1, 7).view(-1, 1) * 0.25
    straight = now.position[0, 1, -1] + steps * now.velocity[0, 1, -1]
    torch.testing.assert_close(gone[0, 1], straight, rtol=0, atol=1e-4)
