from dataclasses import fields

import numpy as np
import pytest
import torch

from jepa_social.geometry import swept_distance
from jepa_social.scene import FAR, OF_FRAMES, Scene
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import CROWDNAV, Population
from jepa_social.worlds.scenarios import (
    ALL,
    CircleCrossing,
    Corridor,
    DenseSquare,
    Doorway,
    Groups,
    Overtaking,
    SquareCrossing,
)

MIXED = Population(social_force=0.3)


def run(world, seeds, steps=30, speed=0.8) -> Scene:
    scene = world.reset(seeds)
    for _ in range(steps):
        assert scene.goal is not None
        to = scene.goal - scene.position[:, 0, -1]
        scene = world.step(speed * to / to.norm(dim=-1, keepdim=True).clamp(min=1.0))
    return world.history()


def gaps(run: Scene) -> torch.Tensor:
    """Least swept gap between any two people but the ego over a run, `[E]`."""
    relative = run.position[:, 1:, None] - run.position[:, None, 1:]
    sizes = run.radius[:, 1:, None] + run.radius[:, None, 1:]
    gap = swept_distance(relative[..., :-1, :], relative[..., 1:, :]).amin(-1) - sizes
    both = run.present[:, 1:, None, 0] & run.present[:, None, 1:, 0]
    both = both & ~torch.eye(both.shape[1], dtype=torch.bool)
    return torch.where(both, gap, torch.inf).amin((1, 2))


def test_an_episode_is_the_same_alone_and_in_a_batch():
    world = Crowd(ALL, (2, 7), MIXED, visible=True)
    together = run(world, range(16), steps=40)
    for seed in (0, 4, 7, 13):
        alone = run(Crowd(ALL, (2, 7), MIXED, visible=True), [seed], steps=40)
        n = alone.agents
        torch.testing.assert_close(together.position[seed, :n], alone.position[0], rtol=0, atol=1e-5)
        assert torch.equal(together.present[seed, :n], alone.present[0])
        assert not together.present[seed, n:].any()
        assert together.truth is not None
        torch.testing.assert_close(together.truth["goal"][seed, :n], alone.truth["goal"][0])


def test_traits_drawn_afresh_are_a_scenes_own():
    def redrawn(seeds, draw=5):
        world = Crowd(CircleCrossing(), (2, 6), Population(social_force=0.5, side_angle=0.7, side_share=0.5))
        before = world.reset(seeds).truth
        world.redraw_traits(draw)
        return before, world.scene().truth

    before, together = redrawn(range(8))
    names = ("margin", "share", "side", "social_force")
    for name in names:
        assert not torch.equal(together[name], before[name])
        assert torch.equal(together[name][:, 0], before[name][:, 0]), "the ego's stay"
        assert not torch.equal(together[name], redrawn(range(8), 6)[1][name])
    assert torch.equal(together["speed"], before["speed"])
    for seed in range(8):
        alone = redrawn([seed])[1]
        for name in names:
            size = alone[name].shape[1]
            assert torch.equal(together[name][seed, :size], alone[name][0]), (name, seed)
            assert not together[name][seed, size:].any()


def test_a_run_is_determined_by_its_seed():
    first, again = (run(Crowd(ALL, 5, MIXED), [3, 9, 3]) for _ in range(2))
    assert torch.equal(first.position, again.position)
    assert torch.equal(first.position[1], run(Crowd(ALL, 5, MIXED), [9]).position[0])
    assert not torch.equal(first.position[0], first.position[1])


def test_step_shows_the_end_of_the_history():
    world = Crowd(CircleCrossing(), 4)
    scene = world.reset([0, 1])
    assert scene.present[:, :, -1].all()
    assert not scene.present[:, :, :-1].any()
    run(world, [0, 1], steps=12)
    history, now = world.history(), world.scene()
    assert history.frames == 13
    assert now.frames == 8
    for name in OF_FRAMES:
        assert torch.equal(getattr(history.between(5, 13), name), getattr(now, name)), name
    rebuilt = Scene.from_arrays(history.position, history.dt, present=history.present)
    torch.testing.assert_close(history.velocity, rebuilt.velocity)
    torch.testing.assert_close(history.heading, rebuilt.heading)


def test_branches_start_alike_and_never_meet():
    world = Crowd(ALL, (3, 5), visible=True)
    world.reset(range(8))
    for _ in range(10):
        world.step(torch.zeros(8, 2))
    clone, fan = world.clone(), world.branch(3)
    before = world.history()
    right, left = torch.tensor([1.0, 0.0]).expand(8, 2), torch.tensor([-1.0, 0.0]).expand(8, 2)
    fan_actions = torch.stack((right, left, right), dim=1).flatten(0, 1)
    for _ in range(6):
        fan.step(fan_actions)
    assert torch.equal(world.history().position, before.position), "a branch leaves its origin as it is"
    assert fan.scenario_names()[3:6] == [world.scenario_names()[1]] * 3
    for _ in range(6):
        world.step(right)
        clone.step(left)
    fanned = fan.history().position.unflatten(0, (8, 3))
    torch.testing.assert_close(fanned[:, 0], world.history().position, rtol=0, atol=1e-6)
    torch.testing.assert_close(fanned[:, 1], clone.history().position, rtol=0, atol=1e-6)
    torch.testing.assert_close(fanned[:, 0], fanned[:, 2], rtol=0, atol=1e-6)
    assert (fanned[:, 0, 1:] - fanned[:, 1, 1:]).abs().amax() > 0.05, "people react to what the ego does"


@pytest.mark.parametrize("visible", [False, True])
def test_only_a_visible_ego_is_reacted_to(visible):
    world = Crowd(CircleCrossing(), 5, visible=visible)
    still, moving = run(world, range(6), speed=0.0), run(world, range(6), speed=1.0)
    change = (still.position[:, 1:] - moving.position[:, 1:]).abs().amax((1, 2, 3))
    assert (change > 0.05).all() if visible else (change == 0).all()


def test_people_cross_a_circle_without_touching():
    history = run(Crowd(CircleCrossing(), 8, CROWDNAV), range(30), steps=100, speed=0.0)
    assert history.truth is not None
    left = (history.position[:, 1:, -1] - history.truth["goal"][:, 1:]).norm(dim=-1)
    assert (left < 0.3).float().mean() > 0.97
    assert (gaps(history) > -1e-3).float().mean() > 0.95


def test_who_yields_more_makes_way_for_who_yields_less():
    polite, stubborn = Population(share_mean=0.9, share_std=0.0), Population(share_mean=0.1, share_std=0.0)

    def deviation(population):
        history = run(Crowd(CircleCrossing(noise=0.1), 6, population, visible=True), range(20), steps=36, speed=1.0)
        straight = history.position[:, 1:, :1] * (1 - torch.linspace(0, 1, 2)[:, None])
        to = straight[..., 1, :] - straight[..., 0, :]
        aside = torch.stack((-to[..., 1], to[..., 0]), dim=-1)
        aside = aside / aside.norm(dim=-1, keepdim=True)
        return ((history.position[:, 1:] - straight[..., :1, :]) * aside[:, :, None]).sum(-1).abs().amax(-1).mean()

    assert deviation(polite) > 1.3 * deviation(stubborn)


def test_people_pass_a_doorway_and_never_a_wall():
    history = run(Crowd(Doorway(both=False), 6), range(12), steps=120, speed=0.0)
    assert history.truth is not None
    x, y = history.position[:, 1:, :, 0], history.position[:, 1:, :, 1]
    through = (x[..., :-1] < 0) & (x[..., 1:] >= 0)
    assert (y[..., 1:][through].abs() < 0.8).all()
    left = (history.position[:, 1:, -1] - history.truth["goal"][:, 1:]).norm(dim=-1)
    assert (left < 0.5).float().mean() > 0.9


def test_corridor_walls_hold_for_both_kinds_of_people():
    history = run(Crowd(Corridor(), 8, Population(social_force=0.5)), range(10), steps=60)
    assert history.position[:, 1:, :, 1].abs().max() < 2.0 - 0.3 + 0.05


def test_groups_stay_together_and_are_known_to_the_truth():
    history = run(Crowd(Groups(), 6, MIXED), range(10), steps=30, speed=0.0)
    assert history.truth is not None
    group = history.truth["group"]
    same = (group[:, :, None] == group[:, None]) & (group >= 0)[:, :, None] & ~torch.eye(7, dtype=torch.bool)
    distance = (history.position[:, :, None] - history.position[:, None]).norm(dim=-1)
    assert same.any((1, 2)).all()
    assert distance[..., -1][same].mean() < 2.5 < distance[..., -1][~same].mean()


def test_slow_people_are_slow_and_wanderers_get_fresh_goals():
    slow = run(Crowd(Overtaking(), 4), range(10), steps=20, speed=0.0)
    assert slow.velocity[:, 1:].norm(dim=-1).mean() < 0.6
    world = Crowd(DenseSquare(), 10)
    start = world.reset([1, 2])
    end = run(world, [1, 2], steps=80)
    assert start.truth is not None
    assert end.truth is not None
    changed = (start.truth["goal"] != end.truth["goal"]).any(-1)
    assert changed[:, 1:].float().mean() > 0.5
    assert not changed[:, 0].any(), "the ego keeps its goal"


def test_actions_are_cut_to_the_speed_of_the_ego():
    world = Crowd(CircleCrossing(), 2, dt=0.5, ego_speed=0.8)
    world.reset([0])
    scene = world.step(torch.tensor([[30.0, 40.0]]))
    torch.testing.assert_close(scene.velocity[0, 0, -1], torch.tensor([0.48, 0.64]))
    with pytest.raises(ValueError, match="scene 0 is not finite"):
        world.step(torch.tensor([[float("nan"), 0.0]]))
    with pytest.raises(ValueError, match=r"must be \[1, 2\]"):
        world.step(torch.zeros(2, 2))


def test_mixed_scenarios_share_a_batch():
    world = Crowd([CircleCrossing(), Doorway()], (1, 4), limit=2.0)
    scene = world.reset(range(6))
    assert world.scenario_names() == ["circle_crossing", "doorway"] * 3
    assert scene.walls is not None
    assert (scene.walls[0] == FAR).all()
    assert (scene.walls[1].abs() < FAR).all()
    assert torch.equal(scene.kind[:, 0], torch.ones(6).long())
    assert not world.expired.any()
    for _ in range(8):
        world.step(torch.zeros(6, 2))
    assert world.expired.all()


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("people", [2, 12, 30])
def test_layouts_are_free_of_overlap(scenario, people):
    for seed in range(3):
        layout = scenario.layout(np.random.default_rng(seed), np.full(people + 1, 0.3))
        for places in (layout.start, layout.goals[:, 0]):
            distance = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 9 * np.eye(people + 1)
            assert distance.min() > 0.6
        again = scenario.layout(np.random.default_rng(seed), np.full(people + 1, 0.3))
        for field in fields(layout):
            np.testing.assert_array_equal(getattr(layout, field.name), getattr(again, field.name))


def test_who_has_arrived_leaves_room_for_the_ego_to_arrive():
    """CrowdNav's own two scenarios keep its rule: discs and 0.2 m between them."""
    for scenario in ALL:
        least = 0.8 if isinstance(scenario, CircleCrossing | SquareCrossing) else 1.2
        for seed in range(10):
            layout = scenario.layout(np.random.default_rng(seed), np.full(11, 0.3))
            to_others = np.hypot(*(layout.goals[1:, 0] - layout.goals[0, 0]).T)
            assert to_others.min() > least, scenario.name
            if isinstance(scenario, Doorway):
                assert (np.abs(layout.goals[1:, 0, 0]) >= 1.2).all(), "nobody's goal is in or by the opening"


def test_standard_circle_is_crowdnavs():
    layout = CircleCrossing().layout(np.random.default_rng(0), np.full(6, 0.3))
    np.testing.assert_array_equal(layout.start[0], (0, -4))
    np.testing.assert_array_equal(layout.goals[0, 0], (0, 4))
    np.testing.assert_array_equal(layout.start, -layout.goals[:, 0])
    assert (np.abs(np.hypot(*layout.start.T) - 4) < 0.5 * 2**0.5).all()


def test_a_scenario_may_say_how_many_people_it_has():
    own, as_told = DenseSquare(people=(12, 14)), CircleCrossing()
    world = Crowd((as_told, own), 3)
    others = world.reset(range(8)).present[:, 1:, -1].sum(1)
    assert (others[::2] == 3).all()
    assert set(others[1::2].tolist()) <= {12, 13, 14}
    assert len(set(others[1::2].tolist())) > 1
    with pytest.raises(ValueError, match=r"range .*\(5, 2\)"):
        Crowd(DenseSquare(people=(5, 2)), 3)


def test_too_many_people_are_refused_with_a_reason():
    with pytest.raises(ValueError, match="square_crossing: no room for 20 people"):
        Crowd(SquareCrossing(side=3.0), 20).reset([0])
    with pytest.raises(ValueError, match="range"):
        Population(speed_range=(2.0, 1.0))
    with pytest.raises(RuntimeError, match="reset"):
        Crowd(CircleCrossing()).step(torch.zeros(1, 2))
