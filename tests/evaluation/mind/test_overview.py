"""One table of all capabilities: the nearest floor is the best of those named."""

import io

import pytest
from rich.console import Console

from jepa_social.evaluation.mind.overview import Capability, overview_table
from jepa_social.evaluation.statistics import Interval


def around(mean: float) -> Interval:
    return Interval(mean, mean - 0.01, mean + 0.01, 9)


SCORES = {
    "jepa": {"belief_25": around(0.8), "gap_25": around(0.7), "excess_after": around(6.0)},
    "untrained": {"belief_25": around(0.7)},
    "constant velocity": {"belief_25": around(0.75)},
    "frozen": {"excess_after": around(90.0)},
    "window of 10": {"excess_after": around(8.0)},
    "exact observer": {"belief_25": around(0.9), "excess_after": around(5.0)},
}
BELIEF = Capability("belief", "belief_25", "gap_25", ["untrained", "constant velocity", "never run"])
CHANGE = Capability("change", "excess_after", None, ["frozen", "window of 10"])


def test_the_nearest_floor_is_the_best_in_the_sense_of_the_metric():
    assert BELIEF.nearest(SCORES) == "constant velocity"
    assert CHANGE.nearest(SCORES) == "window of 10"
    with pytest.raises(KeyError, match="no floor of belief has belief_25"):
        Capability("belief", "belief_25", None, ["frozen"]).nearest(SCORES)


def test_the_table_has_a_line_a_capability_and_a_dash_where_nothing_was_measured():
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(overview_table([BELIEF, CHANGE], SCORES, "jepa"))
    lines = [line for line in console.export_text().splitlines() if "belief" in line or "change" in line]
    assert "80.0 [79.0, 81.0]" in lines[0]
    assert "70.0 [69.0, 71.0]" in lines[0]
    assert lines[1].rstrip().endswith("–")
