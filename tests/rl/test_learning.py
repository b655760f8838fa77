import csv

import numpy as np
import pytest
import torch

from jepa_social.files import with_draft
from jepa_social.planning.learned import Learned
from jepa_social.planning.reactive import Orca
from jepa_social.rl import train as module
from jepa_social.rl.imitation import demonstrate, imitate
from jepa_social.rl.learner import actor_of, build_learner
from jepa_social.rl.train import CHECKPOINT, CURVE, POLICY, learn, read_curve
from jepa_social.rl.vec_env import CrowdVecEnv
from jepa_social.worlds.crowd import Crowd
from jepa_social.worlds.people import CROWDNAV
from jepa_social.worlds.scenarios import CircleCrossing
from tests.planning.test_baselines import composed

SMALL = (
    "scenes=8", "pool=16", "width=16", "ppo.n_steps=16", "ppo.batch_size=64", "ppo.n_epochs=1", "demonstrations=0",
    "validation=4", "validate_every=100", "+world.limit=5.0",
)  # fmt: skip


def small(run, *more: str):
    return composed("rl", f"run={run}", *SMALL, *more)


def test_learning_goes_on_where_it_was(tmp_path):
    path = learn(small(tmp_path, "steps=128"))
    assert path == tmp_path / POLICY
    learn(small(tmp_path, "steps=384"))
    with (tmp_path / CURVE).open(newline="") as file:
        steps = [int(row["steps"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps)
    assert {128, 384} <= set(steps)
    with pytest.raises(ValueError, match="raise steps=384"):
        learn(small(tmp_path, "steps=384"))


def test_a_kill_between_curve_and_checkpoint_costs_a_stretch_only(tmp_path, monkeypatch):
    def one_write(path, write):
        if path in written:
            raise KeyboardInterrupt
        written.extend({tmp_path / CURVE, tmp_path / CHECKPOINT} - {path})
        with_draft(path, write)

    def steps() -> list[int]:
        return [int(row["steps"]) for row in read_curve(tmp_path / CURVE)]

    for goal in (128, 256):
        written = []
        with monkeypatch.context() as patch:
            patch.setattr(module, "with_draft", one_write)
            with pytest.raises(KeyboardInterrupt):
                learn(small(tmp_path, f"steps={goal}"))
        learn(small(tmp_path, f"steps={goal}"))
        assert steps() == [0, 128, 256][: goal // 128 + 1], "no stretch is told of twice"


def test_the_file_acts_as_the_learner_does(tmp_path):
    config = small(tmp_path)
    env = CrowdVecEnv(Crowd(CircleCrossing(), 5), range(16), 8, config.seen)
    learner = build_learner(config, env)
    straight = env.view.command(torch.as_tensor(learner.predict(env.reset(), deterministic=True)[0]))
    assert straight[:, 1].abs().max() <= 1.0
    actor = actor_of(learner, config.width)
    actor.save(tmp_path / "one.safetensors", config.seen)
    learned = Learned(tmp_path / "one.safetensors")
    expected = env.view.command(torch.as_tensor(learner.predict(env._observe(), deterministic=True)[0]))
    torch.testing.assert_close(learned.act(env.world.scene(1)), expected, rtol=0, atol=1e-5)


def test_a_fresh_learner_goes_straight_and_an_imitator_as_its_teacher(tmp_path):
    config = small(tmp_path)
    env = CrowdVecEnv(Crowd(CircleCrossing(), 5, CROWDNAV), range(16), 8, config.seen)
    learner = build_learner(config, env)
    fresh, _ = learner.predict(env.reset(), deterministic=True)
    np.testing.assert_allclose(fresh, np.tile([1.0, 0.0], (8, 1)), atol=0.1)
    samples = demonstrate(env, Orca(0.15), 60, 0.1, 0.99)
    assert len({len(part) for part in samples}) == 1
    first = imitate(learner, samples, 1, 0)
    last = imitate(learner, samples, 30, 0)
    assert last < 0.5 * first


def test_returns_are_discounted_to_the_end_of_the_episode():
    env = CrowdVecEnv(Crowd(CircleCrossing(), 1, limit=2.0), range(4), 4, 5)
    _, _, returns = demonstrate(env, Still(), 8, 0.0, 0.5)
    assert (returns <= 0).all(), "who stands still gains nothing"
    env = CrowdVecEnv(Crowd(CircleCrossing(), 1), range(4), 4, 5)
    _, _, returns = demonstrate(env, Orca(0.5), 40, 0.0, 0.5)
    assert returns.max() == 1.0
    assert ((returns - 0.5).abs() < 1e-6).any(), "one step before"


class Still:
    name = "still"

    def reset(self):
        pass

    def act(self, scene):
        return torch.zeros(len(scene.ego), 2)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m jepa_social\.rl"):
        Learned(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="holds no learned policy"):
        Learned("jepa_social/pretrained/model.safetensors")
