"""The closed loop: determinism, batch-size independence, where episodes end."""

import pytest
import torch

from jepa_social.evaluation.episodes import Episodes, endings
from jepa_social.evaluation.navigation import navigation
from jepa_social.evaluation.runner import run_episodes
from jepa_social.scene import Scene
from tests.evaluation.toy import Polite, Straight, ToyWorld


@pytest.mark.parametrize("policy", [Straight(), Polite("polite")])
def test_same_seeds_give_the_same_episodes_in_any_batch(policy):
    whole = run_episodes(ToyWorld(), policy, range(12), batch=12)
    for batch in (1, 5):
        parts = run_episodes(ToyWorld(), policy, range(12), batch=batch)
        assert torch.equal(whole.stop, parts.stop)
        assert torch.equal(whole.scene.position, parts.scene.position)
        assert torch.equal(whole.scene.present, parts.scene.present)


def test_global_random_numbers_do_not_matter():
    class Noisy(Straight):
        def act(self, scene):
            return super().act(scene) + 0.1 * torch.randn(len(scene.ego), 2)

    torch.manual_seed(1)
    first = run_episodes(ToyWorld(), Noisy(), range(4))
    torch.manual_seed(2)
    again = run_episodes(ToyWorld(), Noisy(), range(4))
    other = run_episodes(ToyWorld(), Noisy(), range(10, 14))
    assert torch.equal(first.scene.position, again.scene.position)
    assert not torch.equal(first.scene.position[:, 0, :5], other.scene.position[:, 0, :5])


def test_warm_up_frames_before_the_first_decision_do_not_count():
    plain = run_episodes(ToyWorld(), Straight(), range(6))
    warm = run_episodes(ToyWorld(past=3), Straight(), range(6))
    assert torch.equal(plain.stop, warm.stop)
    torch.testing.assert_close(navigation(plain).spl, navigation(warm).spl)


def test_nothing_is_seen_or_scored_after_the_end():
    episodes = run_episodes(ToyWorld(), Straight(), range(12))
    frame = torch.arange(episodes.scene.frames)
    assert not episodes.scene.present[(frame > episodes.stop[:, None])[:, None].expand_as(episodes.scene.present)].any()
    assert episodes.scene.present[:, 0].sum(1).equal(episodes.stop + 1)
    assert len(episodes.stop.unique()) > 1


def test_finished_scenes_are_dropped_from_a_policy_that_can_keep():
    policy = Polite("polite")
    episodes = run_episodes(ToyWorld(), policy, range(8))
    asked = [calls for calls in policy.calls if calls > 0]
    assert asked[0] == 8
    assert asked == sorted(asked, reverse=True)
    assert sum(asked) == int(episodes.stop.sum())
    assert sum(calls for calls in policy.calls if calls < 0) == -8


def test_the_runner_stops_at_the_limit():
    class Stand(Straight):
        def act(self, scene):
            return torch.zeros(len(scene.ego), 2)

    world = ToyWorld(people=1)
    world.limit = 3.0
    episodes = run_episodes(world, Stand(), [3])
    assert episodes.stop.tolist() == [12]
    assert navigation(episodes).timeout.tolist() == [1.0]


def test_episode_ends_on_a_collision_between_frames():
    x = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    position = torch.stack((x, x.flip(0)))[None]
    position[0, 1] = torch.stack((torch.tensor([1.0, 1.0]), torch.tensor([-1.0, -1.0])))
    scene = Scene.from_arrays(torch.cat((position, position[:, :, -1:]), 2), 1.0, ego=0)
    assert endings(scene, torch.tensor([[9.0, 9.0]]), torch.tensor([9.0])).tolist() == [1]


def test_bad_actions_are_named():
    class Broken(Straight):
        def act(self, scene):
            return torch.full((len(scene.ego), 2), torch.nan)

    with pytest.raises(ValueError, match="policy straight must return finite"):
        run_episodes(ToyWorld(), Broken(), [0])


def test_concatenation_pads_and_refuses_mixtures():
    a = run_episodes(ToyWorld(people=2), Straight(), [0, 1])
    b = run_episodes(ToyWorld(people=4), Straight(), [2])
    both = Episodes.concatenate([a, b])
    assert (len(both), both.scene.agents) == (3, 5)
    for name, value in navigation(both).columns().items():
        parts = torch.cat([navigation(a).columns()[name], navigation(b).columns()[name]])
        torch.testing.assert_close(value, parts, equal_nan=True)
    with pytest.raises(ValueError, match="different policies"):
        Episodes.concatenate([a, run_episodes(ToyWorld(), Polite("polite"), [0])])


@pytest.mark.parametrize("as_method", [False, True])
def test_the_recorded_person_is_passed_on_in_replay(as_method):
    def value(number):
        tensor = torch.full((5,), number, dtype=torch.float64)
        return (lambda: tensor) if as_method else tensor

    world = ToyWorld()
    world.human_length, world.human_time = value(16.0), value(4.0)
    scores = navigation(run_episodes(world, Polite("polite"), range(5)))
    won = scores.success == 1
    assert won.any()
    torch.testing.assert_close(scores.path_ratio[won], torch.full((int(won.sum()),), 0.5), atol=0.03, rtol=0)
    torch.testing.assert_close(scores.time_ratio[won], scores.navigation_time[won] / 4)
    assert scores.path_ratio[~won].isnan().all()
