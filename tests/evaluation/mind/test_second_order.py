from dataclasses import replace

import pytest
import torch

from jepa_social.evaluation.mind.false_belief import WALKER
from jepa_social.evaluation.mind.floors import constant_velocity, never_updates, reads_truth
from jepa_social.evaluation.mind.second_order import SEEKER, Pairs, SecondOrderObserver, run_pairs, watched
from jepa_social.evaluation.mind.second_order_scores import SPLIT, second_columns


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return run_pairs(range(2500))


def hits(score: torch.Tensor, pairs: Pairs) -> float:
    return float((score.argmax(-1) == pairs.trials.believed).double().mean())


def test_four_cells_are_equally_many_and_named_floors_know_nothing(pairs):
    thinks, knows = pairs.trials.believed == pairs.trials.actual, pairs.other == pairs.trials.actual
    cells = torch.bincount(2 * thinks.long() + knows, minlength=4)
    assert len(set(cells.tolist())) == 1
    assert cells[0] > 50
    for floor in (reads_truth, never_updates):
        assert hits(floor(pairs.trials, 1), pairs) == 0.5
    assert pairs.agree.double().mean() == 0.5
    assert ((pairs.other == pairs.trials.actual) | (pairs.other == pairs.trials.former)).all()


def test_the_answer_shows_in_the_path_and_not_in_the_state_when_asked(pairs):
    trials = pairs.trials
    assert trials.scene.truth is None
    box = trials.scene.position[torch.arange(len(pairs.other)), trials.first_box + trials.believed, -1]
    assert torch.equal(trials.scene.position[:, WALKER, -1], box), "it goes where it thinks that the other will look"
    assert hits(constant_velocity(trials, 0), pairs) < 0.5 < hits(constant_velocity(trials, 2), pairs)
    box = trials.scene.position[torch.arange(len(pairs.other)), trials.first_box + pairs.other, -1]
    assert (trials.scene.position[:, SEEKER, -1] == box).all(-1).double().mean() > 0.97


def test_the_observer_is_the_better_the_more_it_sees_and_never_uses_what_comes(pairs):
    seen = [hits(SecondOrderObserver().answer(pairs, share), pairs) for share in range(3)]
    assert 0.88 < seen[0] <= seen[1] + 0.01 <= seen[2] + 0.02
    assert seen[2] > seen[0]
    assert hits(SecondOrderObserver(timed=True).answer(pairs, 1), pairs) > seen[1]
    later = pairs.trials.scene.clone()
    later.position[:, :2, int(pairs.trials.asked[:, 1].max()) + 1 :] = 0.0
    changed = replace(pairs, trials=replace(pairs.trials, scene=later))
    assert torch.equal(SecondOrderObserver().answer(changed, 1), SecondOrderObserver().answer(pairs, 1))


def test_the_observer_is_calibrated(pairs):
    """At the frame of the move, which is no hint: as often right as it says, cells being equally many."""
    sure = SecondOrderObserver().answer(pairs, 0)[torch.arange(len(pairs.other)), pairs.trials.actual]
    said = (pairs.trials.believed == pairs.trials.actual).double()
    assert float(said[sure == 0].sum()) == 0.0, "who could not see that the other saw never thinks so"
    some = sure > 0
    assert some.double().mean() > 0.4
    assert abs(float(said[some].mean() - sure[some].mean())) < 0.03


def test_who_is_credited_was_in_view(pairs):
    thinks = pairs.trials.believed == pairs.trials.actual
    in_view = watched(pairs.trials, 80.0)
    assert in_view[thinks].all()
    assert 0.1 < in_view[~thinks].double().mean() < 0.9


def test_columns_are_split_by_agreement(pairs):
    told = torch.nn.functional.one_hot(pairs.other, 4).float()
    columns = second_columns([told] * 3, pairs, likely=False)
    agree, differ, neither = (columns[key] for key in SPLIT)
    assert agree[pairs.agree.numpy()].mean() == 1.0
    assert differ[~pairs.agree.numpy()].mean() == 0.0
    assert (~torch.tensor(neither).isnan()).double().mean() == 0.25
    assert columns["second_25"].mean() == 0.5
    assert "second_nll_25" in second_columns([told.double().softmax(-1).log()] * 3, pairs, likely=True)


def test_too_few_seeds_are_refused():
    with pytest.raises(ValueError, match="play more"):
        run_pairs(range(3))
