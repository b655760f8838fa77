import numpy as np
import pytest

from jepa_social.data.resample import resample
from jepa_social.data.schema import Recording
from tests.data.logs import straight, walk


def grid(agents: int, frames: int, dt: float, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    tick, agent = np.meshgrid(np.arange(frames), np.arange(agents), indexing="ij")
    return start + tick.ravel() * dt, agent.ravel()


@pytest.mark.parametrize("offset", [0.0, 1.7e9])
def test_equal_rates_change_nothing(offset):
    before = walk(agents=6, seed=1)
    before.time[:] += offset
    after = resample(before, 0.4)
    for name, column in before.columns().items():
        np.testing.assert_array_equal(column, after.columns()[name], err_msg=name)


@pytest.mark.parametrize(("recorded", "dt"), [(0.1, 0.4), (0.4, 0.1), (1 / 29.97, 0.4), (0.25, 0.4), (0.5, 0.4)])
def test_straight_lines_stay_straight(recorded, dt):
    time, agent = grid(3, 40, recorded)
    keep = (agent != 1) | ((time > 7.3 * recorded) & (time < 30.2 * recorded))
    line = straight(time[keep], agent[keep], recorded)
    after = resample(line, dt)
    truth = straight(after.time, after.agent, dt)
    np.testing.assert_allclose(after.x, truth.x, atol=1e-9)
    np.testing.assert_allclose(after.y, truth.y, atol=1e-9)
    np.testing.assert_allclose(after.time / dt, np.round(after.time / dt), atol=1e-9)
    for one in range(3):
        mine, raw = after.time[after.agent == one], line.time[line.agent == one]
        assert raw.min() - 1e-9 <= mine.min() < raw.min() + dt
        assert raw.max() - dt < mine.max() <= raw.max() + 1e-9
        np.testing.assert_allclose(np.diff(mine), dt)


def test_no_bridge_over_a_gap_and_none_invented():
    time, agent = grid(2, 40, 0.1)
    keep = (agent == 0) | (time < 0.95) | (time > 2.05)
    after = resample(straight(time[keep], agent[keep], 0.1), 0.4)
    np.testing.assert_allclose(after.time[after.agent == 1], [0.0, 0.4, 0.8, 2.4, 2.8, 3.2, 3.6], atol=1e-9)
    bridged = resample(straight(time[keep], agent[keep], 0.1), 0.4, max_gap=2.0)
    assert (bridged.agent == 1).sum() == 10


def test_silence_restarts_the_clock():
    early, late = grid(2, 10, 0.4), grid(2, 10, 0.4, start=100.1)
    both = straight(np.concatenate((early[0], late[0])), np.concatenate((early[1], late[1])), 0.4)
    after = resample(both, 0.4)
    np.testing.assert_array_equal(after.x, both.x)
    np.testing.assert_allclose(after.time / 0.4, np.round(after.time / 0.4), atol=1e-9)
    assert np.abs(after.time - both.time).max() <= 0.2


def test_headings_take_the_shorter_arc():
    time = np.array([0.0, 1.0])
    turn = Recording("turn", 1.0, time, np.zeros(2, int), np.zeros(2, int), time, time, heading=np.array([3.0, -3.0]))
    after = resample(turn, 0.25)
    assert after.heading is not None
    arc = 2 * np.pi - 6
    expected = 3.0 + arc * np.arange(5) / 4
    np.testing.assert_allclose(np.exp(1j * after.heading), np.exp(1j * expected), atol=1e-12)
    assert np.abs(after.heading).max() <= np.pi


def test_step_must_be_positive():
    with pytest.raises(ValueError, match=r"data\.dt must be positive"):
        resample(walk(), 0.0)
