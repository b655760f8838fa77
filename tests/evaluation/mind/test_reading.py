"""When one needs to act: what logs of others can tell, and what they cannot."""

import pytest
import torch

from jepa_social.evaluation.mind.encounters import meet, pooled
from jepa_social.evaluation.mind.partners import ACT, SITUATION, Careless, Ideal, Learner, partner_logs
from jepa_social.evaluation.mind.reading import HABITS, LIKENESS, readers, settled
from jepa_social.evaluation.mind.reading_figure import reading_figure
from jepa_social.models.person import PersonModel
from jepa_social.worlds.menus import ALIKE, VALUES, Partners, habitual, haggled

PEOPLE = 60


def model() -> PersonModel:
    torch.manual_seed(0)
    return PersonModel(SITUATION, ACT, width=8, depth=1, heads=1).eval()


@pytest.mark.parametrize("alike", [0.0, 0.4, 1.0])
def test_people_treat_another_as_much_alike_as_said(alike: float):
    mean = torch.tensor([1.5, -1.5, 0.0, 0.0, 0.0])
    partners = Partners(4000, 1, seed=5, mean=mean)
    another = partners.before_another(alike)
    a, b = partners.values - mean, another.values - mean
    assert (a * b).mean() == pytest.approx(alike, abs=0.03)
    assert b.mean(0).abs().max() < 0.06
    assert b.var() == pytest.approx(1.0, abs=0.04)
    assert not torch.equal(partners.menu, another.menu)
    assert torch.allclose(a, b) == (alike == 1.0)


@pytest.mark.parametrize("habit", [0.0, 0.8, 1.0])
def test_a_habit_is_what_any_two_offers_have_in_common(habit: float):
    partners = Partners(3000, 3, seed=1)
    offer, _ = habitual(partners, habit, 2)
    assert (offer[:, 0] * offer[:, 2]).mean() == pytest.approx(habit**2, abs=0.04)
    assert offer.var() == pytest.approx(1.0, abs=0.04)
    partners.values = -partners.values
    assert torch.equal(habitual(partners, habit, 2)[0], offer), "it says nothing of values"


def test_what_an_exact_reader_knows_is_what_the_log_tells():
    partners = Partners(PEOPLE, 60, seed=3)
    acting = Ideal(PEOPLE)
    meet(acting, partners, torch.zeros(PEOPLE, 1, VALUES))
    known = readers(model(), partners, 7) | {"acting": {"exact": {1.0: settled(acting, partners, 8)}}}
    done = known["acting"]["exact"][1.0]
    for varied, full, none in (("alike", 1.0, 0.0), ("habit", 0.0, 1.0)):
        exact = known[varied]["exact"]
        assert exact[full].accept.mean() == pytest.approx(float(done.accept.mean()), abs=0.03)
        assert exact[full].probe.mean() < exact[none].probe.mean() - 0.15
        assert exact[full].accept.mean() > exact[none].accept.mean() + 0.1
    told = [float(known["alike"]["exact"][c].probe.mean()) for c in LIKENESS]
    assert told == sorted(told), "the less alike, the less is told"
    assert known["alike"]["exact"][0.0].accept.mean() == pytest.approx(0.5, abs=0.06)
    told = [float(known["habit"]["exact"][c].probe.mean()) for c in HABITS]
    assert told[-3:] == sorted(told[-3:])
    assert set(known["alike"]["learned"]) == set(ALIKE.values())
    for who in ("learned", "frozen"):
        known["acting"][who] = known["acting"]["exact"]
    assert len(reading_figure([known, known], "jepa").axes) == 4


def test_reading_at_once_is_observing_one_by_one():
    partners = Partners(6, 9, seed=4)
    log = meet(Careless(0), partners.before_another(0.4), torch.zeros(6, 1, VALUES))
    offers = torch.randn(6, 5, VALUES)
    for fresh in (lambda: Learner(model(), 6, source="a stranger"), lambda: Ideal(6, source="a stranger")):
        one, other = fresh(), fresh()
        one.read(log.offer, log.accepted)
        for now in range(9):
            other.observe(log.offer[:, now], log.accepted[:, now])
        assert torch.allclose(one.chance(offers), other.chance(offers), atol=1e-5)


def test_who_made_an_offer_matters_and_is_told():
    partners = Partners(6, 9, seed=4)
    log = meet(Careless(0), partners, torch.zeros(6, 1, VALUES))
    offers, said = torch.randn(6, 5, VALUES), []
    for who in ALIKE:
        ego = Learner(model(), 6, source=who)
        ego.read(log.offer, log.accepted)
        said.append(ego.chance(offers))
    assert not torch.allclose(said[0], said[1], atol=1e-6)
    assert not torch.allclose(said[1], said[2], atol=1e-6)


def test_in_logs_the_ego_takes_over_knowing_nothing_of_what_was_before():
    logs = partner_logs(40, 12, 6, read=1.0)
    source = logs.situation[..., VALUES:].argmax(-1)
    assert set(source.flatten().tolist()) == {0, 1, 2}
    assert (source.diff(dim=1) <= 0).all(), "others come first"
    offer, accepted = haggled(Partners(40, 12, 6), 7)
    for person in range(40):
        if source[person, 0] != 0:
            first = int((source[person] != 0).sum())
            assert torch.equal(logs.situation[person, first:, :VALUES], offer[person, : 12 - first])
            assert torch.equal(logs.choice[person, first:] == 0, accepted[person, : 12 - first])
    plain = partner_logs(40, 12, 6)
    assert (plain.situation[..., VALUES] == 1).all()


def test_encounters_of_several_are_pooled():
    some = [meet(Careless(s), Partners(3, 5, seed=s), torch.zeros(3, 1, VALUES)) for s in (0, 1)]
    both = pooled(some)
    assert torch.equal(both.accepted[3:], some[1].accepted)
    assert both.columns()["probe_1"].shape == (6,)
