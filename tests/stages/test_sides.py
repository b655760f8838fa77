"""The suite in which an ego meets people who pass on the other side, shrunk."""

import pytest

from jepa_social.evaluation.results import read_differences, read_results
from jepa_social.stages import sides
from jepa_social.stages.suites import evaluate
from tests.stages.runs import composed


def test_the_suite_scores_what_every_row_foretells_and_how_it_walks(finished):
    evaluate(
        composed(
            "eval", f"run={finished}", "suite=sides", "suite.lives=2", "suite.encounters=1", "suite.probed=4",
            "suite.world.limit=5.0", "suite.seconds=5.0", "+planner.solver.samples=8",
        )
    )  # fmt: skip
    rows = read_results(finished)["sides"]
    frozen, ours = rows["jepa, no update"], rows["jepa"]
    assert ours["probe_surprise"].mean != frozen["probe_surprise"].mean
    assert (
        frozen["home_surprise"].mean == rows["at home"]["home_surprise"].mean == rows["at home"]["probe_surprise"].mean
    )
    assert frozen["home_surprise"].low == frozen["home_surprise"].high, "all lives forget nothing"
    assert {row["probe_surprise"].n for row in rows.values()} == {2}
    assert {"success", "minimum_distance", "deviation", "delay"} <= set(rows["reader of people"])
    assert "reader of the patient" in read_differences(finished)["sides"]["jepa"]["probe_surprise"]
    assert (finished / "figures" / "sides.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize("version", ["VERSION", "CROWDS"])
def test_kept_lives_are_lived_again_when_settings_or_code_change(version, tmp_path, monkeypatch):
    lived = []

    def live():
        lived.append(sides.Lives())
        return lived[-1]

    path = tmp_path / "life.pt"
    for settings, times in (("a", 1), ("a", 1), ("b", 2), ("b", 2)):
        sides._once(path, settings, live)
        assert len(lived) == times
    monkeypatch.setattr(sides, version, 99)
    for _ in range(2):
        sides._once(path, "b", live)
    assert len(lived) == 3
