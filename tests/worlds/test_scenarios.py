"""Scenario types: which are kept from training, and laws of those that are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.scenarios import (
    ALL,
    HELD_OUT,
    TRAINED,
    Conversations,
    HeadOn,
    Intersection,
    PerpendicularTraffic,
)
from jepa_social.worlds.simulate import simulate
from jepa_social.worlds.simulated import SimulatedLogs


def test_no_log_is_made_of_a_type_that_is_held_out(tmp_path):
    trained, held_out = ({scenario.name for scenario in some} for some in (TRAINED, HELD_OUT))
    assert trained
    assert held_out
    assert not trained & held_out
    assert {scenario.name for scenario in ALL} - trained - held_out == {HeadOn.name}
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
