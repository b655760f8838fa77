"""Which policies are on the front, and that its figure shows them."""

import math

from jepa_social.evaluation.figures import save
from jepa_social.evaluation.pareto import pareto_figure, pareto_front
from jepa_social.evaluation.statistics import Interval


def row(success: float, discomfort: float, time: float) -> dict[str, Interval]:
    values = {"success": success, "discomfort": discomfort, "navigation_time": time}
    return {name: Interval(v, v - 0.01, v + 0.02, 100) for name, v in values.items()}


SCORES = {
    "jepa": row(0.98, 0.01, 11.0),
    "fast": row(0.90, 0.05, 9.0),
    "beaten": row(0.90, 0.05, 12.0),
    "twin of fast": row(0.90, 0.05, 9.0),
    "calm": row(0.70, 0.0, 15.0),
}
NOBODY = Interval(math.nan, math.nan, math.nan, 0)


def test_the_front_holds_whom_nobody_beats():
    assert pareto_front(SCORES) == ["jepa", "fast", "twin of fast", "calm"]
    assert pareto_front(SCORES, ["success"]) == ["jepa"]


def test_who_never_arrives_is_left_out():
    never = {**row(0.0, 0.0, 1.0), "navigation_time": NOBODY}
    assert pareto_front({**SCORES, "never": never}) == pareto_front(SCORES)
    assert "never" not in _filled(pareto_figure({**SCORES, "never": never}))


def test_every_policy_has_a_point_in_every_panel(tmp_path):
    figure = pareto_figure(SCORES)
    assert len(figure.axes) == 3
    for panel in figure.axes:
        assert set(panel.get_legend_handles_labels()[1]) == set(SCORES)
    assert _filled(figure) == set(SCORES) - {"beaten"}
    assert save(figure, tmp_path / "front.png", 50).read_bytes()[1:4] == b"PNG"


def _filled(figure) -> set[str]:
    handles, names = figure.axes[0].get_legend_handles_labels()
    return {n for h, n in zip(handles, names, strict=True) if h.lines[0].get_markerfacecolor() != "white"}
