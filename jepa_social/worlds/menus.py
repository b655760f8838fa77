"""People who choose: a menu of things each time, private values, and a choice that follows them more or less.

A person's values are w ~ N(mean, I) over `VALUES` features. A menu has `OPTIONS` things with features x_k ~ N(0, I),
and thing k is taken with p ~ exp(beta w . x_k) (Luce 1959; inverse planning as in Baker et al. 2017). A partner whom
one of the things is offered accepts it with p = sigmoid(beta w . x), that is: chooses between it and nothing.

Partners do not treat everybody alike: what they accept from somebody else follows values w' that correlate with those
they have towards the ego, feature by feature, with c = `ALIKE` (w' = c w + sqrt(1 - c^2) u, u ~ N(0, I)).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

VALUES, OPTIONS = 5, 4
OFFER_BETA = 2.0
ALIKE = {"me": 1.0, "a friend": 0.8, "a stranger": 0.4}
"""Who offers, and how much alike partners treat them and the ego."""
_ANOTHER = 10**9
"""Between seeds of people and of the same people before somebody else."""


@dataclass
class Choices:
    """B people, T choices each.

    Attributes:
        values: the truth, for scoring only.
        menu: features of what could be taken.
        choice: what was.
        thing: which thing each is: the same number, the same features.
        seed: of everything.
    """

    values: Float[Tensor, "B V"]
    menu: Float[Tensor, "B T K V"]
    choice: Int[Tensor, "B T"]
    thing: Int[Tensor, "B T K"]
    seed: int

    def until(self, n: int) -> "Choices":
        """The first n choices of everybody."""
        return Choices(self.values, self.menu[:, :n], self.choice[:, :n], self.thing[:, :n], self.seed)


def choose(people: int, times: int, beta: float | Tensor, seed: int, things: int | None = None) -> Choices:
    """Strangers before random menus; `beta` for all of them or `[people]`. The same seed gives the same people.

    Args:
        people: B.
        times: T.
        beta: how keenly they choose.
        seed: of everything.
        things: how many there are in their world; None: nothing is ever offered twice.

    Raises:
        ValueError: `seed` is negative, or there are fewer things than a menu has.
    """
    if things is not None and things < OPTIONS:
        raise ValueError(f"a menu has {OPTIONS} things, a world of things={things} has fewer")
    chance = generator(seed)
    values = torch.randn(people, VALUES, generator=chance)
    shape = (people, times, OPTIONS)
    features = torch.randn(things or people * times * OPTIONS, VALUES, generator=chance)
    if things is None:
        thing = torch.arange(len(features)).view(shape)
    else:
        alike = torch.ones(people * times, things)
        thing = alike.multinomial(OPTIONS, generator=chance).view(shape)
    menu = features[thing]
    keen = torch.as_tensor(beta, dtype=torch.float32).reshape(-1, 1, 1)
    worth = keen * torch.einsum("btkv,bv->btk", menu, values)
    gumbel = -(-torch.rand(worth.shape, generator=chance).clamp(min=1e-12).log()).log()
    return Choices(values, menu, (worth + gumbel).argmax(-1), thing, seed)


class Partners:
    """B people who are each offered one of four things, round after round.

    Chance is drawn beforehand, for every partner and round, so that all who meet them meet the same people: the same
    menus, and the same mood towards an offer.

    Args:
        people: B.
        rounds: how many there can be.
        seed: of everything.
        mean: of the values of this population; 0 for all features by default.

    Raises:
        ValueError: `seed` is negative.
    """

    def __init__(self, people: int, rounds: int, seed: int, mean: Float[Tensor, "V"] | None = None):
        chance = generator(seed)
        self.seed, self.mean = seed, torch.zeros(VALUES) if mean is None else mean
        self.values = torch.randn(people, VALUES, generator=chance) + self.mean
        self.menu = torch.randn(people, rounds, OPTIONS, VALUES, generator=chance)
        self.mood = torch.rand(people, rounds, generator=chance)

    def before_another(self, alike: float | Float[Tensor, "B"]) -> "Partners":
        """The same people before somebody else, whom they treat so much `alike` (0..1), and other menus."""
        people, rounds = self.mood.shape
        another = Partners(people, rounds, self.seed + _ANOTHER, self.mean)
        c = torch.as_tensor(alike, dtype=torch.float32).reshape(-1, 1)
        own = another.values - self.mean
        another.values = self.mean + c * (self.values - self.mean) + (1 - c**2).sqrt() * own
        return another

    def chance(self, offers: Float[Tensor, "B M V"]) -> Float[Tensor, "B M"]:
        """True probability to accept each of some offers."""
        return (OFFER_BETA * torch.einsum("bmv,bv->bm", offers, self.values)).sigmoid()

    def respond(self, offer: Float[Tensor, "B V"], now: int) -> Bool[Tensor, "B"]:
        """Who accepts what they are offered in round `now`."""
        return self.mood[:, now] < self.chance(offer[:, None])[:, 0]


def haggled(partners: Partners, seed: int) -> tuple[Float[Tensor, "B T V"], Bool[Tensor, "B T"]]:
    """Logs to learn from: offers that somebody made, and whether they were accepted.

    Each ego has a rule of its own, from random offers to keenly repeating what was taken and avoiding what was refused.
    None knows the partner's values: what it offers says nothing of them that its log does not.
    """
    chance = generator(seed)
    people, rounds = partners.mood.shape
    keen = 4 * torch.rand(people, 1, generator=chance) * (torch.rand(people, 1, generator=chance) < 0.7)
    taste = 0.5 * torch.randn(people, VALUES, generator=chance)
    made, taken = [], []
    for now in range(rounds):
        menu = partners.menu[:, now]
        liking = keen * torch.einsum("bkv,bv->bk", menu, taste / taste.norm(dim=-1, keepdim=True))
        pick = torch.multinomial(liking.softmax(-1), 1, generator=chance)[:, 0]
        offer = menu[torch.arange(people), pick]
        accepted = partners.respond(offer, now)
        taste = taste + torch.where(accepted[:, None], offer, -offer)
        made.append(offer)
        taken.append(accepted)
    return torch.stack(made, 1), torch.stack(taken, 1)


def habitual(
    partners: Partners, habit: float | Float[Tensor, "B"], seed: int
) -> tuple[Float[Tensor, "B T V"], Bool[Tensor, "B T"]]:
    """The log of somebody who offers a partner much the same all along, whatever comes of it.

    Offers are c h + sqrt(1 - c^2) e with h ~ N(0, I) once and e ~ N(0, I) anew each time. With `habit` c = 0 everything
    is offered that menus hold; with 1, one thing only. Each by itself is drawn as the things of menus are.
    """
    chance = generator(seed)
    people, rounds = partners.mood.shape
    c = torch.as_tensor(habit, dtype=torch.float32).reshape(-1, 1, 1)
    usual = torch.randn(people, 1, VALUES, generator=chance)
    offer = c * usual + (1 - c**2).sqrt() * torch.randn(people, rounds, VALUES, generator=chance)
    return offer, partners.mood < partners.chance(offer)


def generator(seed: int) -> torch.Generator:
    """Random numbers of one seed.

    Raises:
        ValueError: it is negative.
    """
    if seed < 0:
        raise ValueError(f"seeds are >= 0, got {seed}")
    return torch.Generator().manual_seed(seed)
