from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from tensordict import TensorDict

from jepa_social.evaluation.mind.false_belief import Trials, run_trials
from jepa_social.evaluation.mind.scores import VIEW
from jepa_social.evaluation.mind.second_order import run_pairs
from jepa_social.evaluation.results import read_differences, read_results
from jepa_social.models.jepa import ModelConfig, SocialJEPA
from jepa_social.stages.belief_inputs import Inputs, belief_inputs, walkers_own
from jepa_social.stages.beliefs import false_belief
from jepa_social.stages.cooperation import cooperation
from jepa_social.stages.customs import customs
from jepa_social.stages.errands import errands
from jepa_social.stages.mind import print_overview, score_mind
from jepa_social.stages.mind_reward import people_of_the_past, social_reward
from jepa_social.stages.mind_tolerance import tempers_of_the_past, tolerance
from jepa_social.stages.mind_updating import updating
from jepa_social.stages.offers import closed_loop
from jepa_social.stages.second_order import FIRST_ORDER, as_known_to_the_first, second_order
from jepa_social.stages.values import value_inference

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def settings(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("eval", overrides=["run=x", "suite=mind", "size=tiny", *overrides]).suite


@pytest.fixture(scope="module")
def jepa() -> SocialJEPA:
    torch.manual_seed(1)
    config = ModelConfig(width=16, depth=1, heads=2, predictor_width=16, intents=0, reach=16.0, kinds=10)
    return SocialJEPA(config, teacher=False).eval()


def test_the_suite_prints_rows_between_floors_and_ceiling(jepa, tmp_path, capsys):
    score_mind(tmp_path, jepa, settings(), "jepa")
    rows = read_results(tmp_path)["mind"]
    assert {"jepa", "jepa + perspective", "untrained", "behaviour cloning", "exact observer"} <= set(rows)
    assert rows["reads the true state"]["belief_25"].mean == pytest.approx(0.5)
    assert rows["exact observer"]["belief_25"].mean > 0.8
    assert rows["exact observer"]["frame_4"].mean > rows["exact observer"]["frame_2"].mean > 0.75
    assert rows["jepa"]["frame_4"].n < rows["jepa"]["frame_2"].n < rows["jepa"]["belief_25"].n
    assert rows["reads the true state"]["frame_4"].mean == pytest.approx(0.5)
    assert rows["reads the true state"]["second_25"].mean == rows[FIRST_ORDER]["second_25"].mean == 0.5
    assert rows[VIEW]["second_25"].mean > 0.8
    assert rows[FIRST_ORDER]["second_agree_25"].mean == 1.0
    assert rows["exact observer"]["second_25"].mean > 0.85
    assert {"second_gap_0", "second_nll_differ_25", "second_neither_25"} <= set(rows["jepa + perspective"])
    assert rows["reads the true state"]["gap_25"].mean == pytest.approx(0.0, abs=1e-9)
    assert rows["jepa"]["belief_25"].low <= rows["jepa"]["belief_25"].mean <= rows["jepa"]["belief_25"].high
    assert {"belief_25", "hasty_nll_5", "careful_rho_3", "accept_30_60", "shift_accept_1"} <= set(rows["jepa"])
    assert rows["oracle"]["hasty_nll_5"].mean < rows["exact observer"]["hasty_nll_5"].mean
    assert rows["exact observer"]["hasty_nll_5"].mean < rows["maximum likelihood"]["hasty_nll_5"].mean
    against = read_differences(tmp_path)["mind"]["jepa"]["accept_30_60"]
    readers = {f"jepa, {how}" for how in ("passive reader", "reads a stranger", "reads a creature of habit")}
    assert {"jepa, frozen after 5", "jepa, no comparison"} | readers <= set(against)
    assert rows["exact observer, reads a stranger"]["accept_30_60"].mean < rows["exact observer"]["accept_30_60"].mean
    for name in (
        "false_belief",
        "second_order",
        "values",
        "closed_loop",
        "acting",
        "updating",
        "social_reward",
        "tolerance",
        "cooperation",
        "customs",
        "errands",
    ):
        assert (tmp_path / "figures" / f"mind_{name}.png").is_file()
    assert (tmp_path / "figures" / "mind.png").is_file()
    print_overview(tmp_path, settings(), "jepa")
    told = " ".join(capsys.readouterr().out.split())
    assert all(word in told for word in ("inference", "reward", "closed", "nearest"))
    assert rows["exact observer"]["excess_after"].high < rows["window of 10"]["excess_after"].high < 20
    assert rows["frozen"]["gap_change"].mean == rows["frozen"]["gap_bias"].mean == 0.0
    assert rows["jepa"]["excess_after"].n == rows["gradient steps alone"]["excess_after"].n == 12
    assert rows["exact observer"]["react_5"].mean == pytest.approx(0.75, abs=0.01)
    assert rows["jepa"]["actual_moves"].mean == rows["jepa"]["noticed_costs"].mean == 0.0
    assert rows["jepa"]["judged_unasked_20"].n == rows["counting"]["shown_ece_cut_off_60"].n == 8
    assert rows["never corrected"]["judged_60"] == rows["never corrected"]["judged_0"]
    assert rows["exact observer"]["judged_60"].mean < rows["frozen"]["judged_60"].mean
    assert rows["oracle"]["acted_welfare"].mean > rows["selfish"]["acted_welfare"].mean
    assert rows["selfish"]["welfare"].mean < rows["oracle"]["welfare"].mean
    assert rows["all tit-for-tat"]["coop_last"].mean == 1.0 > rows["all toss coins"]["coop_last"].mean
    assert rows["always yields"]["ego_clash"].mean == 0.0 < rows["always insists"]["ego_clash"].mean
    assert rows["exact observer"]["foreseen"].mean < rows["counting"]["foreseen"].mean
    assert rows["jepa, reads one of them"]["gate_own"].n == rows["exact observer"]["gate_asked"].n == 3
    assert rows["oracle"]["trips_nll_10"].mean < rows["exact observer"]["trips_nll_10"].mean
    assert rows["exact observer"]["trips_nll_10"].mean < rows["counting"]["trips_nll_10"].mean
    assert rows["untrained"]["trips_svo_20"].n == rows["no memory of the person"]["trips_nll_1"].n == 20
    assert rows["exact observer"]["steps_within"].mean < rows["static Bayes"]["steps_within"].mean
    assert rows["jepa, frozen prior"]["gate_surprise_1"].mean != rows["jepa"]["gate_surprise_1"].mean
    assert rows["jepa, in context only"]["gate_asked"].low == rows["jepa, in context only"]["gate_asked"].high


def test_people_are_learned_once_and_scored_the_same_again(tmp_path):
    asked = settings("suite.closed_loop.people=4", "suite.closed_loop.shift.lives=1").closed_loop
    first = closed_loop(tmp_path, asked, "jepa")[0]
    written = (tmp_path / "mind" / "partners_0.safetensors").stat().st_mtime_ns
    assert closed_loop(tmp_path, asked, "jepa")[0] == first
    assert (tmp_path / "mind" / "partners_0.safetensors").stat().st_mtime_ns == written


def test_readouts_are_not_fitted_on_those_scored(tmp_path):
    with pytest.raises(ValueError, match="set them apart"):
        value_inference(tmp_path, settings("suite.value_inference.fit_seed=5000000").value_inference, "jepa")


def test_scores_are_the_same_again(jepa):
    few = settings("suite.false_belief.trials=100", "suite.false_belief.fit=150", "suite.false_belief.steps=20")
    one, two = (false_belief(jepa, few.false_belief, "jepa")[0] for _ in range(2))
    assert one == two


def test_truth_never_enters_a_model(jepa):
    """Latents and readout inputs are the same whatever `truth` says, and trials carry none."""
    views = [partial(view, sight=75.0) for view in (walkers_own, as_known_to_the_first)]
    trials = run_pairs(range(300)).trials

    def inputs(trials: Trials) -> Inputs:
        return belief_inputs(jepa, trials, [2], views, "inputs")[1]

    plain = inputs(trials)
    lied = trials.scene.clone(False)
    shape = list(lied.kind.shape)
    lied.truth = TensorDict({"belief": torch.full(shape, 7.0), "goal": torch.zeros(shape)}, batch_size=shape[:1])
    for one, other in zip(plain, inputs(replace(trials, scene=lied)), strict=True):
        assert torch.equal(one, other)
    # nor do the answers, of which the inputs must not be made
    shuffled = replace(trials, believed=trials.believed.flip(0), actual=trials.actual.flip(0))
    for one, other in zip(plain, inputs(shuffled), strict=True):
        assert torch.equal(one, other)


def test_fitting_seeds_are_not_scored(jepa):
    with pytest.raises(ValueError, match="further apart"):
        false_belief(jepa, settings("suite.false_belief.fit_seed=5000000").false_belief, "jepa")
    with pytest.raises(ValueError, match="further apart"):
        second_order(jepa, settings("suite.second_order.fit_seed=5000000").second_order, "jepa")


def test_people_are_learned_once(tmp_path):
    """Models of people are kept with the run, and found again only by the settings that they were trained with."""
    chosen = settings().social_reward
    model, _ = people_of_the_past(tmp_path, chosen)
    kept = (tmp_path / "mind" / "judging.safetensors").stat().st_mtime_ns
    people_of_the_past(tmp_path, settings("suite.social_reward.trials=9").social_reward)
    assert (tmp_path / "mind" / "judging.safetensors").stat().st_mtime_ns == kept
    other, _ = people_of_the_past(tmp_path, settings("suite.social_reward.seed=1").social_reward)
    assert not torch.equal(model.prior, other.prior)


def test_four_situations_are_learned_once_and_scored_the_same_again(tmp_path):
    first = tolerance(tmp_path, settings().tolerance, "jepa")
    kept = (tmp_path / "mind" / "tolerance.safetensors").stat().st_mtime_ns
    assert tolerance(tmp_path, settings().tolerance, "jepa") == first
    _, worth = tempers_of_the_past(tmp_path, settings("suite.tolerance.asked=9").tolerance)
    assert (tmp_path / "mind" / "tolerance.safetensors").stat().st_mtime_ns == kept
    assert not torch.equal(worth, tempers_of_the_past(tmp_path, settings().tolerance)[1])


@pytest.mark.parametrize(
    ("capability", "score"),
    [
        ("updating", updating),
        ("social_reward", social_reward),
        ("tolerance", tolerance),
        ("cooperation", cooperation),
        ("customs", customs),
        ("errands", errands),
    ],
)
def test_training_seeds_are_not_scored(capability, score, tmp_path):
    chosen = settings(f"suite.{capability}.fit_seed=7", f"suite.{capability}.first_seed=10")[capability]
    with pytest.raises(ValueError, match="fit_seed"):
        score(tmp_path, chosen, "jepa")


def test_a_model_that_knows_no_things_says_so():
    people = SocialJEPA(ModelConfig(width=16, depth=1, heads=2, predictor_width=16), teacher=False).eval()
    with pytest.raises(ValueError, match=r"model\.kinds=10"):
        false_belief(people, settings().false_belief, "jepa")


def test_who_is_asked_late_changes_nothing_for_others(jepa):
    trials = run_trials(range(40))
    whole = belief_inputs(jepa, trials, [2], (), "all")
    alone = belief_inputs(jepa, trials.rows(torch.arange(5, 9)), [2], (), "some", questions=[1, 4])
    for one, other in zip((whole[1], whole[4]), alone, strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a[5:9], b, atol=1e-5, rtol=1e-5)
