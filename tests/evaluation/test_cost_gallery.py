"""Pictures of costs: the map shows what the cost says of going there."""

import torch

from jepa_social.evaluation.cost_gallery import cost_figures, gallery_scene, straight_plans
from jepa_social.planning.costs import PersonalSpace
from jepa_social.planning.dynamics import ConstantVelocity
from tests.planning.strolls import planner_config, world_model


def test_plans_go_straight_to_where_the_map_shows_them():
    place, imagined = straight_plans(ConstantVelocity(0.25), gallery_scene(0.25), 12)
    torch.testing.assert_close(imagined.ego[0, :, -1], place, atol=1e-4, rtol=0)
    assert imagined.actions.norm(dim=-1).max() <= 1.4 + 1e-5
    cost = PersonalSpace()(imagined)[0]
    worst = place[cost.argmax()]
    nearest = (imagined.people[0, 0] - worst).norm(dim=-1).amin()
    assert nearest < 0.5, "the dearest place is in somebody's way"


def test_there_is_a_picture_of_every_cost(tmp_path):
    written = cost_figures(world_model(), planner_config(), tmp_path)
    names = {path.stem.removeprefix("cost_") for path in written}
    assert names == {*planner_config().cost.terms, "risk"}
    assert all(path.stat().st_size > 10_000 for path in written)
