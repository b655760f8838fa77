"""Scenario types: which are kept from training, and laws of those that are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from jepa_social.geometry import closest_on_segment
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import Population
from jepa_social.worlds.scenarios import (
    ALL,
    HELD_OUT,
    TRAINED,
    Barriers,
    Conversations,
    Doorway,
    HeadOn,
    Intersection,
    PerpendicularTraffic,
)
from jepa_social.worlds.simulate import simulate
from jepa_social.worlds.simulated import SimulatedLogs
from jepa_social.worlds.walk import blocked


def test_no_log_is_made_of_a_type_that_is_held_out(tmp_path):
    trained, held_out = ({scenario.name for scenario in some} for some in (TRAINED, HELD_OUT))
    assert trained
    assert held_out
    assert not trained & held_out
    assert {scenario.name for scenario in ALL} - trained - held_out == {HeadOn.name, Barriers.name}
    assert len({type(scenario) for scenario in ALL}) == len(ALL)
    made = simulate(episodes=2 * len(ALL), people=2, seconds=0.5, progress=False)
    assert {recording.name.rsplit("-", 1)[0] for recording in made} == trained
    logs = SimulatedLogs(Path(tmp_path), val=0.25, test=0.25, episodes=2 * len(ALL), people=(1, 2), seconds=0.5)
    every = [recording for split in ("train", "val", "test") for recording in logs.recordings(split)]
    assert {recording.name.rsplit("-", 1)[0] for recording in every} == trained


@pytest.mark.parametrize("people", [1, 8, 40])
def test_nobody_starts_or_ends_in_a_wall_of_the_intersection(people):
    for seed in range(5):
        layout = Intersection().layout(np.random.default_rng(seed), np.full(people + 1, 0.3))
        places = np.concatenate((layout.start, layout.goals[:, 0]))
        lanes = np.abs(places).min(1)  # within one of the two corridors
        assert (lanes <= 2.0 - 0.3).all()
        inside = np.abs(layout.walls).max()
        assert (np.abs(places).max(1) < inside).all()
        direction = layout.goals[1:, 0] - layout.start[1:]
        assert (np.abs(direction).max(1) > 2 * np.abs(direction).min(1) - 4.0).all(), "nobody turns a corner"


@pytest.mark.parametrize("people", [1, 8, 40])
def test_barriers_are_no_doorway(people):
    """Nowhere is there an opening as narrow as the doorway's, and everybody starts and ends clear of walls."""
    for seed in range(5):
        layout = Barriers().layout(np.random.default_rng(seed), np.full(people + 1, 0.3))
        ends = torch.tensor(layout.walls).unflatten(-1, (2, 2))
        assert len(ends) >= 3
        along = torch.lerp(ends[:, None, 0], ends[:, None, 1], torch.linspace(0, 1, 101).double()[:, None])
        gap = (along[:, None, :, None] - along[None, :, None]).norm(dim=-1).amin((2, 3))
        assert gap[~torch.eye(len(ends), dtype=torch.bool)].min() >= 3.0 - 0.01 > Doorway().gap
        places = torch.tensor(np.concatenate((layout.start, layout.goals[:, 0])))
        away = closest_on_segment(places[:, None], ends[:, 0], ends[:, 1]) - places[:, None]
        assert away.norm(dim=-1).min() > 0.6 - 0.01


def test_people_find_their_way_round_barriers_and_through_none():
    world = Crowd(Barriers(), 6, Population(social_force=0.3), limit=40.0)
    scene = world.reset(range(12))
    walls = scene.walls
    assert scene.truth is not None
    assert walls is not None
    start, goal = scene.position[:, 1:, -1], scene.truth["goal"][:, 1:]
    hidden = blocked(start, goal, walls, scene.radius[:, 1:])
    assert 0.2 < hidden.float().mean() < 0.8
    for _ in range(140):
        before = scene.position[:, 1:, -1]
        scene = world.step(torch.zeros(12, 2))
        here = scene.position[:, 1:, -1]
        assert not blocked(before, here, walls, torch.zeros_like(scene.radius[:, 1:])).any()
    arrived = (here - goal).norm(dim=-1) < 0.6
    assert arrived.float().mean() > 0.95
    assert arrived[hidden].float().mean() > 0.9


def test_a_stream_crosses_the_ego_at_a_right_angle_in_one_direction():
    for seed in range(6):
        layout = PerpendicularTraffic().layout(np.random.default_rng(seed), np.full(9, 0.3))
        way = layout.goals[:, 0] - layout.start
        assert way[0, 1] == 0
        assert (np.abs(way[1:, 1]) > np.abs(way[1:, 0])).all()
        assert len(set(np.sign(way[1:, 1]))) == 1
        assert (np.sign(layout.start[1:, 1]) == -np.sign(way[1:, 1])).all(), "all are still to cross"


def test_who_talks_stands_in_a_circle_and_stays():
    world = Crowd(Conversations(), 9)
    scene = world.reset([0, 1, 2])
    start = scene.position[:, 1:, -1]
    for _ in range(12):
        scene = world.step(torch.zeros(3, 2))
    torch.testing.assert_close(scene.position[:, 1:, -1], start, rtol=0, atol=1e-3)
    assert scene.truth is not None
    group = scene.truth["group"]
    for ident in group.unique().tolist():
        if ident >= 0:
            members = start[0][group[0, 1:] == ident]
            away = (members - members.mean(0)).norm(dim=-1)
            assert len(members) in (0, 2, 3, 4)
            assert not len(members) or float(away.max() - away.min()) < 1e-4
