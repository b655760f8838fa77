"""Logs that are simulated on first use, and found again while neither settings nor simulator change."""

from jepa_social.worlds import simulated
from jepa_social.worlds.simulated import SimulatedLogs


def test_another_version_of_the_simulator_makes_its_own_logs(tmp_path, monkeypatch):
    for version in (1, 2, 2):
        monkeypatch.setattr(simulated, "VERSION", version)
        SimulatedLogs(tmp_path, episodes=2, people=(1, 1), seconds=0.5)
    assert len(list(tmp_path.glob("crowd-*.parquet"))) == 2
