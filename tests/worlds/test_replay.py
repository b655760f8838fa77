import numpy as np
import pytest
import torch

from jepa_social.data.eth_ucy import FOLDS, EthUcy
from jepa_social.data.schema import Recording
from jepa_social.planning.reactive import RecordedHuman
from jepa_social.worlds.replay import Replay
from tests.worlds.crowds import straight_log


def wavy_log(people: int = 4, frames: int = 45, seed: int = 0) -> Recording:
    rng = np.random.default_rng(seed)
    path = rng.normal(0, 5, (people, 1, 2)) + np.cumsum(
        0.4 * (rng.normal(0, 0.8, (people, 1, 2)) + rng.normal(0, 0.3, (people, frames, 2))), axis=1
    )
    frame, agent = np.divmod(np.arange(people * frames), people)
    x, y = path[agent, frame].T
    return Recording(f"wavy{seed}", 0.4, frame * 0.4, agent, np.zeros_like(agent), x, y)


def test_the_human_policy_walks_the_recorded_path_and_arrives():
    world = Replay([wavy_log(seed=0), wavy_log(seed=1)])
    assert world.episodes >= 2
    scene = world.reset(range(4))
    human = RecordedHuman(world)
    steps = int(world.human_time.max() / 0.4 + 0.5)
    for _ in range(steps):
        scene = world.step(human.act(scene))
    history = world.history()
    torch.testing.assert_close(history.position[:, 0, 7:], world.human_path[:, : steps + 1].float(), rtol=0, atol=1e-4)
    assert world.arrived.all()
    assert not world.expired.any()


def test_others_move_as_recorded_whatever_the_ego_does():
    log = straight_log(frames=40)
    world = Replay([log])
    scene = world.reset([0])
    ego = int(scene.position[0, 0, -1, 1] / 2)
    others = [agent for agent in range(3) if agent != ego]
    for _ in range(10):
        scene = world.step(torch.tensor([[0.0, 3.0]]))
    start = 5 + 1 if ego == 2 else 1
    x = scene.position[0, 1:, -1, 0].tolist()
    assert scene.position[0, 1:, -1, 1].tolist() == [2.0 * agent for agent in others]
    np.testing.assert_allclose(x, (start + 10) * 0.4, atol=1e-5)
    assert (scene.radius[0] == 0.2).all()
    assert (scene.kind[0] == 0).all()
    assert scene.truth is not None
    np.testing.assert_allclose(scene.truth["goal"][0, 1:, 0], 39 * 0.4, atol=1e-5)


def test_people_are_present_only_while_recorded():
    log = straight_log(people=3, frames=40)
    early = log.take((log.agent != 8) | (log.time < 5.0))
    world = Replay([early])
    first = next(s for s in range(6) if float(world.reset([s]).position[0, 0, -1, 1]) == 0.0)
    world.reset([first])
    for _ in range(30):
        world.step(torch.zeros(1, 2))
    present = world.history().present[0]
    frame = range(1 - 7, 1 - 7 + 38)
    assert present[0].tolist() == [k >= 0 for k in frame]
    assert present[1].tolist() == [k >= 0 and k * 0.4 < 5.0 - 1e-6 for k in frame], "agent 8 leaves at 5 s"
    assert present[2].tolist() == [k >= 5 for k in frame], "agent 9 comes 5 frames late"
    for _ in range(80):
        world.step(torch.zeros(1, 2))
    assert world.scene().present[0].sum(0)[-1] == 1, "only the ego outlives the record"
    assert world.expired.all()


@pytest.mark.parametrize("dt", [0.4, 0.25])
@pytest.mark.parametrize("past", [1, 2, 6])
def test_the_ego_starts_after_its_past_and_sees_what_others_did_before(past, dt):
    world = Replay([straight_log()], dt=dt, past=past)
    late = next(s for s in range(3) if float(world.reset([s]).position[0, 0, -1, 1]) == 4.0)
    scene = world.reset([late])
    start = 0.4 * (5 + past - 1)
    clock = start + dt * torch.arange(-7, 1)
    ego, others = scene.present[0, 0], scene.present[0, 1:]
    assert ego.tolist() == (clock > 0.4 * 5 - 1e-4).tolist(), "from its own first frame"
    assert others.tolist() == [(clock > -1e-4).tolist()] * 2, "from the recording's first frame"
    torch.testing.assert_close(scene.position[0, 1:, :, 0], (clock * others), rtol=0, atol=1e-5)
    torch.testing.assert_close(scene.position[0, 0, -1, 0], torch.tensor(start), rtol=0, atol=1e-5)
    assert scene.velocity[0, 0, -1, 0] == pytest.approx(0.0 if past == 1 else 1.0, abs=1e-4)
    assert world.human_time.tolist() == [pytest.approx(39 * 0.4 - start)]


def test_another_time_step_interpolates_linearly():
    fine = Replay([straight_log()], dt=0.1, observed=4)
    scene = fine.reset([0])
    np.testing.assert_allclose(scene.velocity[0, 0, 1:, 0], 1.0, atol=1e-4)
    for _ in range(7):
        scene = fine.step(torch.tensor([[1.0, 0.0]]))
    seen = scene.present[0, :, -1]
    np.testing.assert_allclose(scene.velocity[0, seen, -1, 0], 1.0, atol=1e-4)


def test_a_seed_is_the_same_alone_and_in_a_batch_and_seeds_cover_all_episodes():
    world = Replay([wavy_log(seed=k) for k in range(3)])
    batch = world.reset(range(7)).position
    lone = Replay([wavy_log(seed=k) for k in range(3)]).reset([5]).position
    assert torch.equal(batch[5, : lone.shape[1]], lone[0])
    one = Replay([wavy_log(people=6)])
    starts = {tuple(place.tolist()) for place in one.reset(range(one.episodes)).position[:, 0, -1]}
    assert len(starts) == one.episodes
    assert one.reset([0]).position.equal(one.reset([one.episodes]).position)


def test_branches_do_not_meet():
    world = Replay([wavy_log()])
    world.reset([0, 1])
    fan = world.branch(2)
    fan.step(torch.tensor([[0.3, 0.0], [-0.3, 0.0], [0.0, 0.3], [0.0, -0.3]]))
    assert world.history().frames == 8
    end = fan.history().position
    assert torch.equal(end[0, 1:], end[1, 1:])
    torch.testing.assert_close(end[0, 0, -1] - end[1, 0, -1], torch.tensor([0.24, 0.0]), rtol=0, atol=1e-5)


def test_short_tracks_are_refused_with_a_reason():
    with pytest.raises(ValueError, match="min_future"):
        Replay([straight_log(frames=9)])
    with pytest.raises(ValueError, match=r"past and min_future must be at least 1"):
        Replay([straight_log()], past=0)
    with pytest.raises(ValueError, match="seeds"):
        Replay([straight_log()]).reset([])


@pytest.mark.parametrize("fold", FOLDS)
def test_every_real_scene_has_a_hundred_episodes(real_data, fold):
    world = Replay(EthUcy(str(real_data / "eth_ucy"), fold).recordings("test"))
    assert world.episodes >= 100
    scene = world.reset(range(100))
    assert scene.present[:, 0, -2:].all()
    assert scene.goal is not None
    assert ((scene.goal - scene.position[:, 0, -1]).norm(dim=-1) >= 3.0 - 1e-4).all()
    assert scene.speed is not None
    assert (scene.speed >= 0.5).all()
    assert 0.6 < scene.speed.median() < 3.0, "ETH hurries: its standard file calls 0.667 s 0.4 s"
    starts = torch.cat((scene.position[:, 0, -1], scene.goal, world.human_time[:, None]), dim=1)
    assert len(starts.unique(dim=0)) == 100, "no episode twice"


@pytest.mark.parametrize("fault", ["jitter", "dropouts"])
def test_people_are_where_they_were_whatever_the_clock(fault):
    """Cameras skip frames and tick unevenly: who is seen is seen in the right place, and nobody vanishes in between."""
    rng = np.random.default_rng(0)
    frame, agent = np.meshgrid(np.arange(600), np.arange(3), indexing="ij")
    ticks = np.arange(600) / 25.0 + (rng.uniform(-0.015, 0.015, 600) if fault == "jitter" else 0.0)
    keep = rng.random(frame.size) > (0.25 if fault == "dropouts" else -1.0)
    time, agent = ticks[frame.ravel()[keep]], agent.ravel()[keep]
    log = Recording("log", 0.04, time, agent, np.zeros(len(time), int), 1.2 * time, 4.0 * agent)
    world = Replay([log])
    scene = world.reset([0])
    begin = float(scene.position[0, 0, -1, 0]) / 1.2
    for _ in range(50):
        scene = world.step(world.human_velocity())
        now = begin + world.elapsed
        assert bool(scene.present[0, :, -1].all())
        np.testing.assert_allclose(scene.position[0, :, -1, 0], 1.2 * now, atol=1e-3)
