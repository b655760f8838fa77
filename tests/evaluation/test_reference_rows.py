"""Rows without a network on the real folds, beside the reference numbers (the small folds: five would take minutes)."""

import numpy as np
import pytest

from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.module import SceneDataModule
from jepa_social.data.sampler import AgentBudgetSampler
from jepa_social.evaluation.anchors import Anchors
from jepa_social.evaluation.forecasters import ConstantVelocityForecaster, LeastSquares, RandomHeadings, StandStill
from jepa_social.stages.forecasts import score_windows

PROTOCOL = {"eth": (70, 181), "hotel": (301, 1053), "zara1": (602, 2253)}
CONSTANT_VELOCITY = {"eth": (0.995, 2.234), "hotel": (0.323, 0.617), "zara1": (0.431, 0.960)}
LEAST_SQUARES = {"eth": (1.02, 2.18), "hotel": (0.26, 0.47), "zara1": (0.61, 1.19)}
STRONGEST = {
    # Joint ADE/FDE of 20 anchors at most this: they must stay the hard row to beat that they are. The five-fold
    # references are 0.429 / 0.859; by fold only our own measurement exists (0.581/1.067, 0.293/0.557, 0.382/0.825).
    "eth": (0.62, 1.16),
    "hotel": (0.31, 0.58),
    "zara1": (0.40, 0.85),
}


@pytest.fixture(scope="module", params=PROTOCOL)
def scored(request, real_data, tmp_path_factory):
    """Fold, who was scored, and the means of every row."""
    cache = tmp_path_factory.mktemp("cache")
    data = SceneDataModule(EthUcy(str(real_data / "eth_ucy"), request.param), cache, 8, 12, 0.4, stride=3)
    train, test = data.windows("train"), data.windows("test")
    assert train is not None
    assert test is not None
    anchors = Anchors.fit((train.batch(b) for b in batches(data, train)), 8)
    rows = [StandStill(), ConstantVelocityForecaster(), LeastSquares(), RandomHeadings(), anchors]
    about, found = score_windows(rows, test, batches(data, test), 8, drop=0.0)
    return request.param, about, {row: {m: float(np.mean(v)) for m, v in one.items()} for row, one in found.items()}


def batches(data, windows):
    return AgentBudgetSampler(windows, windows.counts, 128, data.pairs_per_batch, shuffle=False)


def pair(row, name):
    return row[name.format("ade")], row[name.format("fde")]


def test_windows_and_agents_are_those_of_the_protocol(scored):
    fold, about, _ = scored
    assert (len(np.unique(about["window"])), len(about["agent"])) == PROTOCOL[fold]
    assert len(np.unique(np.stack((about["window"], about["agent"])), axis=1).T) == PROTOCOL[fold][1]


def test_deterministic_rows_are_the_reference(scored):
    fold, _, found = scored
    assert pair(found["constant velocity"], "{}") == pytest.approx(CONSTANT_VELOCITY[fold], abs=6e-4)
    assert pair(found["least squares"], "{}") == pytest.approx(LEAST_SQUARES[fold], abs=6e-3)
    assert found["stand still"]["ade"] > found["constant velocity"]["ade"]
    for row in ("constant velocity", "least squares", "stand still"):
        assert found[row]["ade_20"] == found[row]["joint_ade_20"] == found[row]["ade"]
        assert not {"nll", "inside_50", "spread"} & set(found[row]), "one guess has no likelihood"


def test_anchors_are_as_strong_as_the_reference(scored):
    fold, _, found = scored
    joint, bound = pair(found["anchors"], "joint_{}_20"), STRONGEST[fold]
    assert joint[0] < bound[0]
    assert joint[1] < bound[1]
    assert found["anchors"]["ade_20"] < 0.75 * found["random headings"]["ade_20"]


def test_random_headings_help_the_agent_and_hurt_the_scene(scored):
    """Reference, five-fold average: marginal 0.405 / 0.856, joint 0.553 / 1.137, constant velocity 0.520 / 1.141."""
    _, _, found = scored
    turned, straight = found["random headings"], found["constant velocity"]
    assert pair(turned, "{}") == pair(straight, "{}"), "its best guess is constant velocity"
    assert turned["ade_20"] < straight["ade"]
    assert turned["joint_ade_20"] > turned["ade_20"]
    assert turned["mean_ade_20"] > straight["ade"]
    assert found["truth"] == {"collision_share": pytest.approx(0.0, abs=0.003)}
