"""The suite in which an ego gets to know a crowd, shrunk."""

from jepa_social.evaluation.results import read_differences, read_results
from jepa_social.stages import encounters
from jepa_social.stages.suites import evaluate
from tests.stages.runs import composed


def test_the_suite_scores_what_each_row_thinks_and_how_the_planner_walks_with_it(finished, monkeypatch):
    pictures = []

    def watched(walker, suite):
        before = walker.regard.people_at_large
        found = planned(walker, suite)
        pictures.append((before, walker.regard.people_at_large))
        return found

    planned = encounters._planned
    monkeypatch.setattr(encounters, "_planned", watched)
    evaluate(
        composed(
            "eval", f"run={finished}", "suite=encounters", "+cost@planner.cost=social_reward", "suite.lives=2",
            "suite.cohorts=2", "suite.scenes=2", "suite.seconds=6.0", "suite.asked=6", "suite.walked=2",
            "suite.world.limit=2.5", "+planner.solver.samples=8",
        )
    )  # fmt: skip
    rows = read_results(finished)["encounters"]
    assert rows["jepa, no update"]["minds"].mean == 1.0
    assert abs(rows["jepa, no comparison"]["minds"].mean - 1.0) < 1e-4
    assert rows["told"]["answer_error"].mean == 0.0, "people who never give way are not changed at all"
    assert rows["jepa"]["minds"].n == 2
    assert {"success", "discomfort"} <= set(rows["jepa, passive reader"])
    assert len(pictures) == 6
    assert all(before == after for before, after in pictures), "a walk that is scored teaches nothing"
    assert "jepa, no coin" in read_differences(finished)["encounters"]["jepa"]["answer_error"]
    assert (finished / "figures" / "encounters.png").read_bytes()[1:4] == b"PNG"
