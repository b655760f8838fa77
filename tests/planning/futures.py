"""Futures made by hand, and what may be done to them that must change no cost."""

from dataclasses import replace

import torch

from jepa_social.geometry import rotate
from jepa_social.planning.imagined import Human, Imagined, OnRequest, Sampled

STEPS, DT = 4, 0.5
FAR_AWAY = (50.0, 50.0)


def told(sampled: Sampled, absent: torch.Tensor, human: Human) -> OnRequest:
    """Answers that are known beforehand."""
    return OnRequest(lambda draws: sampled, lambda: absent, lambda: human)


def future(
    action=(0.0, 0.0), people=(FAR_AWAY,), velocity=(0.0, 0.0), exists=None, walls=None, steps=STEPS, walking=None
) -> Imagined:
    """One plan that keeps one command from the origin on, among people who stand or keep `walking`; discs of 0.3 m.

    It is certain, the same without the ego, and people in the ego's place would stand still, give or take 1 m.
    """
    actions = torch.tensor(action).expand(1, 1, steps, 2)
    ego = torch.cat((torch.zeros(1, 1, 1, 2), (DT * actions).cumsum(2)), dim=2)
    crowd = torch.tensor(people).view(1, 1, -1, 1, 2)
    pace = torch.zeros(1, crowd.shape[2], 2) if walking is None else torch.tensor([walking])
    crowd = crowd + DT * torch.arange(steps + 1).view(-1, 1) * pace[:, None, :, None]
    there = torch.ones(1, crowd.shape[2], dtype=torch.bool) if exists is None else torch.tensor([exists])
    return Imagined(
        actions=actions, ego=ego, people=crowd, people_velocity=pace, exists=there.bool(),
        reach=torch.full((1, crowd.shape[2]), 0.6), radius=torch.tensor([0.3]), velocity=torch.tensor([velocity]),
        goal=torch.tensor([[10.0, 0.0]]), aim=torch.tensor([[10.0, 0.0]]), speed=torch.tensor([1.0]),
        dt=torch.tensor([DT]), walls=walls,
        on_request=told(
            Sampled(crowd[:, :, None], torch.full((1, 1, 1, crowd.shape[2], steps), 0.1)),
            crowd[:, 0],
            Human(torch.zeros(1, steps, 2), torch.ones(1, steps)),
        ),
    )  # fmt: skip


def crowd(reactive: bool = True) -> Imagined:
    """Anything: three scenes, five plans, four people, of whom two go together and one is missing, and walls."""
    torch.manual_seed(0)
    actions = torch.randn(3, 5, 6, 2)
    ego = torch.cat((torch.zeros(3, 5, 1, 2), (0.4 * actions).cumsum(2)), dim=2) + torch.randn(3, 1, 1, 2)
    start = ego[:, :1, None, :1] + 0.7 * torch.randn(3, 1, 4, 1, 2)
    velocity = torch.randn(3, 4, 2)
    velocity[:, 1] = velocity[:, 0]
    start[:, :, 1] = start[:, :, 0] + torch.tensor([0.6, -0.6])
    drift = 0.4 * torch.arange(7).view(-1, 1) * velocity[:, None, :, None]
    sway = torch.randn(3, 5 if reactive else 1, 4, 7, 2)
    sway[..., 0, :] = 0
    people = start + drift + 0.3 * sway
    exists = torch.tensor([[True, True, True, False]]).expand(3, -1)
    draw = torch.randn(3, 1, 3, 4, 7, 2)
    draw[..., 0, :] = 0
    return Imagined(
        actions=actions, ego=ego, people=people, people_velocity=velocity, exists=exists,
        reach=torch.full((3, 4), 0.5), radius=torch.full((3,), 0.2), velocity=torch.randn(3, 2),
        goal=5 * torch.randn(3, 2), aim=5 * torch.randn(3, 2), speed=torch.tensor([1.0, 1.2, 0.8]),
        dt=torch.full((3,), 0.4), walls=torch.randn(3, 2, 4),
        on_request=told(
            Sampled(people[:, :, None] + draw, 0.1 + torch.rand(3, 1, 3, 4, 6).expand(-1, people.shape[1], -1, -1, -1)),
            (start + drift)[:, 0],
            Human(ego[:, 0, 1:] + 0.3, 0.5 + torch.rand(3, 6)),
        ),
    )  # fmt: skip


def moved(here: Imagined, angle: float, shift: tuple[float, float]) -> Imagined:
    """The same, turned about the origin and shifted."""

    def turn(value: torch.Tensor) -> torch.Tensor:
        return rotate(value, torch.tensor(angle))

    def move(value: torch.Tensor) -> torch.Tensor:
        return turn(value) + torch.tensor(shift)

    sampled, human = here.sampled(8), here.human()
    return replace(
        here,
        **{name: turn(getattr(here, name)) for name in ("actions", "velocity", "people_velocity")},
        **{name: move(getattr(here, name)) for name in ("ego", "people", "goal", "aim")},
        walls=None if here.walls is None else move(here.walls.unflatten(-1, (2, 2))).flatten(-2),
        on_request=told(
            Sampled(move(sampled.position), sampled.scale),
            move(here.absent()),
            Human(move(human.position), human.scale),
        ),
    )


def picked(here: Imagined, people: torch.Tensor, plans: torch.Tensor) -> Imagined:
    """Some of the people and plans, in any order."""
    sampled = here.sampled(8)
    each = plans if here.people.shape[1] > 1 else torch.tensor([0])
    return replace(
        here,
        actions=here.actions[:, plans],
        ego=here.ego[:, plans],
        people=here.people[:, each][:, :, people],
        people_velocity=here.people_velocity[:, people],
        exists=here.exists[:, people],
        reach=here.reach[:, people],
        on_request=told(
            Sampled(sampled.position[:, each][:, :, :, people], sampled.scale[:, each][:, :, :, people]),
            here.absent()[:, people],
            here.human(),
        ),
    )
