"""The examples run as they stand, with the model that ships."""

import numpy as np
import pytest

import jepa_social.worlds.gym_env  # noqa: F401 - registers the environments
from examples import (
    at_the_gate,
    closed_loop,
    foreign_simulator,
    gymnasium_loop,
    several_egos,
    somebody_changed,
    value_inference,
    what_they_think,
    who_thinks_who_knows,
)


def test_the_gymnasium_loop(capsys: pytest.CaptureFixture):
    (info,) = gymnasium_loop.main(episodes=1, people=3)
    assert info["arrived"]
    assert "seed 0: arrived after" in capsys.readouterr().out


def test_several_egos_in_one_crowd():
    ends = several_egos.main(people=3, egos=2)
    assert sorted(ends) == ["ego_0", "ego_1"]
    assert all(info["arrived"] for info in ends.values())


def test_a_foreign_simulator():
    arrived, nearest = foreign_simulator.main()
    assert arrived
    assert nearest > 0.6, "nobody is run into"


def test_its_people_come_and_go():
    plaza, counts, ever = foreign_simulator.Plaza(0), [], set()
    for _ in range(400):
        plaza.step()
        counts.append(len(plaza.people))
        ever |= set(plaza.people)
    assert len(ever) > max(counts) > 2
    frames = foreign_simulator.deque([{"robot": np.zeros(2)}, {"robot": np.ones(2), "new": np.full(2, 3.0)}])
    history = foreign_simulator.history(frames)
    assert history.shape == (2, 2, 2)
    assert np.isnan(history[1, 0]).all()
    assert (history[1, 1] == 3.0).all()


def test_somebody_changed(capsys: pytest.CaptureFixture):
    said = somebody_changed.main(steps=60)
    model, exact, static = said.values()
    assert exact[-1] > 0.9
    assert static[-1] < 0.1
    assert model[-1] > model[0] + 0.3, "after forty interactions they are known again"
    assert "becomes" in capsys.readouterr().out


def test_what_they_think(capsys: pytest.CaptureFixture):
    curves = what_they_think.main(steps=60, count=10, interactions=40)
    assert curves["who does not"].std() < 1e-6
    assert curves["who watches faces"].std() > 1e-4
    assert "A calm face is worth" in capsys.readouterr().out


def test_who_thinks_who_knows(capsys: pytest.CaptureFixture):
    told = who_thinks_who_knows.main(fit=1200, asked=250)
    assert [(ben, anne) for ben, anne, _, _ in told] == [(True, True), (True, False), (False, False), (False, True)]
    assert all(0 <= sure <= 1 and ideal > 0.3 for _, _, sure, ideal in told)
    assert capsys.readouterr().out.count("wrongly") == 2


def test_a_stranger_is_got_to_know(capsys: pytest.CaptureFixture):
    found = value_inference.main(steps=150)
    assert "in truth: sweet" in capsys.readouterr().out
    assert np.abs(found[20][0]).max() > 2 * np.abs(found[0][0]).max(), "at first nothing is known"
    assert all(0 < chance < 1 for _, chance in found.values())


def test_who_goes_first_at_the_gate(capsys: pytest.CaptureFixture):
    both = at_the_gate.main(steps=60, logged=12, count=6, days=3)
    assert both["cares"] > both["selfish"] + 0.1
    told = capsys.readouterr().out
    assert "the ego yields" in told
    assert "which the ego is not told" in told


def test_the_closed_loop(capsys: pytest.CaptureFixture):
    met = closed_loop.main(steps=400, people=24, rounds=20)
    assert "round 1: the first partner" in capsys.readouterr().out
    one, frozen = met["learning"], met["frozen after 5"]
    assert (one.accepted[:, :5] == frozen.accepted[:, :5]).all(), "until then they are the same"
    late = one.accepted[:, 10:].double().mean()
    assert late > one.accepted[:, :2].double().mean() + 0.05
    assert late > frozen.accepted[:, 10:].double().mean()
