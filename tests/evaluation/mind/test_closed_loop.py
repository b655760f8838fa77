import pytest
import torch

from jepa_social.evaluation.mind.encounters import Encounters, meet, yoked
from jepa_social.evaluation.mind.partners import (
    ACT,
    SITUATION,
    Careless,
    Ideal,
    Informed,
    Learner,
    partner_logs,
)
from jepa_social.evaluation.mind.shift import late_columns, live
from jepa_social.models.person import PersonModel
from jepa_social.worlds.menus import VALUES, Partners, haggled

PROTOTYPE = {
    "oracle": {"accept": (0.88, 0.89, 0.89), "surprise": (0.23, 0.18, 0.21)},
    "ideal": {"accept": (0.44, 0.74, 0.86), "surprise": (0.70, 0.54, 0.28)},
    "frozen after 5": {"accept": (0.44, 0.74, 0.74), "surprise": (0.69, 0.52, 0.52)},
    "frozen prior": {"accept": (0.47, 0.50, 0.49), "surprise": (0.69, 0.69, 0.69)},
}
"""What prototypes of this world gave, in rounds 1, 4-6 and 30-60."""
PEOPLE = 100


def model() -> PersonModel:
    torch.manual_seed(0)
    return PersonModel(SITUATION, ACT, width=8, depth=1, heads=1).eval()


def probes(people: int) -> torch.Tensor:
    return torch.randn(people, 8, VALUES, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def played() -> dict[str, Encounters]:
    partners = Partners(PEOPLE, 60, seed=3)
    egos = {
        "oracle": Informed(partners),
        "ideal": Ideal(PEOPLE),
        "frozen after 5": Ideal(PEOPLE, 5),
        "frozen prior": Ideal(PEOPLE, 0),
    }
    return {name: meet(ego, partners, probes(PEOPLE)) for name, ego in egos.items()}


@pytest.mark.parametrize("name", list(PROTOTYPE))
def test_exact_egos_score_what_prototypes_did(played, name: str):
    columns = played[name].columns()
    for score, values in PROTOTYPE[name].items():
        for phase, value, slack in zip(("1", "4_6", "30_60"), values, (0.12, 0.08, 0.06), strict=True):
            assert columns[f"{score}_{phase}"].mean() == pytest.approx(value, abs=slack)


def test_surprise_falls_on_offers_that_are_never_made(played):
    columns = played["ideal"].columns()
    assert columns["probe_30_60"].mean() < columns["probe_4_6"].mean() < columns["probe_1"].mean()
    assert columns["probe_1"].mean() == pytest.approx(0.69, abs=0.02)


def test_everybody_meets_the_same_partners(played):
    prior = meet(Ideal(PEOPLE, 0), Partners(PEOPLE, 60, seed=3), probes(PEOPLE))
    assert torch.equal(prior.accepted, played["frozen prior"].accepted)
    assert torch.equal(played["ideal"].offer[:, :5], played["frozen after 5"].offer[:, :5])
    assert not torch.equal(played["ideal"].offer[:, 5:], played["frozen after 5"].offer[:, 5:])


def test_the_loop_can_be_cut_in_each_place():
    partners, asked = Partners(6, 8, seed=4), probes(6)
    careless = meet(Careless(0), partners, asked)
    for ego, seen in (
        (Learner(model(), 6), None),
        (Learner(model(), 6, rounds=5), None),
        (Learner(model(), 6, rounds=0), None),
        (Learner(model(), 6), careless),
        (Learner(model(), 6, compares=False), None),
    ):
        rounds, compares = 8 if ego.left is None else ego.left, ego.compares
        one = meet(ego, partners, asked, seen)
        memory = ego.known.memory
        assert (0 if memory is None else memory.choice.shape[1]) == rounds
        if memory is None:
            continue
        shown = one if seen is None else seen
        assert torch.equal(memory.situation[..., :VALUES], shown.offer[:, :rounds])
        told = memory.choice == 0
        assert torch.equal(told, shown.accepted[:, :rounds]) == compares


def test_a_yoked_log_holds_what_another_partner_was_offered():
    partners = Partners(6, 8, seed=4)
    others = meet(Learner(model(), 6), partners, probes(6))
    log = yoked(others, partners)
    assert torch.equal(log.offer[1:], others.offer[:-1])
    assert torch.equal(log.accepted[:, 3], partners.respond(log.offer[:, 3], 3))


def test_offers_of_the_logs_say_nothing_that_responses_do_not():
    """Other partners who respond alike are offered the same: whoever offers does not know the values."""
    one, two = Partners(50, 6, seed=1), Partners(50, 6, seed=1)
    two.values = -two.values
    offered, other = haggled(one, 2), haggled(two, 2)
    assert torch.equal(offered[0][:, 0], other[0][:, 0])
    same = (offered[1][:, :5] == other[1][:, :5]).all(1)
    assert torch.equal(offered[0][same], other[0][same])
    assert offered[1].double().mean() > 0.55, "some egos repeat what was taken"
    assert partner_logs(4, 6, 1).situation.shape == (4, 6, SITUATION)


def test_another_population_is_met_cohort_by_cohort():
    mean = torch.tensor([1.5, -1.5, 0, 0, 0])
    lives = {g: live(model(), mean, cohorts=4, people=24, seed=10, gradient=g) for g in (False, True)}
    assert len(lives[True].kept) == 4
    assert not lives[False].kept
    first = [life.cohorts[0] for life in lives.values()]
    assert torch.equal(first[0].accepted, first[1].accepted), "the first cohort is met with the same model"
    assert late_columns([lives[True]])["shift_accept_1"].shape == (24,)
    assert any(lives[True].kept), "an untrained model has everything to learn"
