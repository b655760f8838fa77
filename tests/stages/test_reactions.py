"""The `reaction` suite on a small run."""

import json

import pytest

from jepa_social.stages.suites import evaluate
from jepa_social.worlds.scenarios import HELD_OUT
from tests.stages.runs import composed

SMALL = [
    "suite=reaction", "suite.episodes=6", "suite.batch=6", "suite.redraws=1", "suite.world.people=[2,3]",
    "suite.branching.moments=1", "+suite.branching.within=2.0",
]  # fmt: skip
ROWS = {"jepa", "plan withheld", "constant velocity", "nominal ORCA", "nominal ORCA, goals known"}


def test_every_row_is_scored_on_what_plans_change(finished):
    evaluate(composed("eval", f"run={finished}", *SMALL))
    found = json.loads((finished / "results.json").read_text())["reaction"]
    assert set(found) == ROWS | {"simulator, traits redrawn"}
    assert found["constant velocity"]["change_r2"]["mean"] == 0
    assert found["constant velocity"]["yielding"]["mean"] in (0.5, None)
    assert len({row["change_r2"]["n"] for row in found.values()}) == 1
    assert {"change_r2_doorway", "change_r2_circle_crossing"} & set(found["jepa"])
    assert "change_r2_unseen" not in found["jepa"], "it was trained on every type"
    gaps = json.loads((finished / "differences.json").read_text())["reaction"]["jepa"]["change_r2"]
    assert gaps["constant velocity"]["mean"] == pytest.approx(found["jepa"]["change_r2"]["mean"])
    for name in ("reaction", "reaction_scene"):
        assert (finished / "figures" / f"{name}.png").stat().st_size > 10_000


def test_logs_of_the_usual_scenarios_have_none_of_the_types_that_are_held_out(finished):
    world = [f"suite.world.scenario=[{{_target_: jepa_social.worlds.scenarios.{type(HELD_OUT[1]).__name__}}}]"]
    evaluate(composed("eval", f"run={finished}", *SMALL, *world, "suite.name=unseen"))
    found = json.loads((finished / "results.json").read_text())["unseen"]["jepa"]
    assert found["change_r2_unseen"] == found["change_r2"]


def test_wrong_settings_are_named(finished):
    with pytest.raises(ValueError, match=r"suite\.reference=run away is none of the plans"):
        evaluate(composed("eval", f"run={finished}", *SMALL, "suite.reference=run away"))
    with pytest.raises(ValueError, match=r"suite\.redraws=0"):
        evaluate(composed("eval", f"run={finished}", *SMALL, "suite.redraws=0"))
    with pytest.raises(ValueError, match=r"within suite\.reach"):
        evaluate(composed("eval", f"run={finished}", *SMALL, "suite.reach=0.0"))
