import pyrvo
import pytest
import torch

from jepa_social.worlds import linear_programme, orca
from jepa_social.worlds.linear_programme import HalfPlanes, closest_velocity
from jepa_social.worlds.orca import orca_velocity
from tests.worlds.crowds import random_crowd

HORIZON, DT = 5.0, 0.25


def rvo2(position, velocity, preferred, radius, speed, neighbor_dist=10.0, max_neighbors=10):
    """The next velocities of one crowd by the RVO2 library, and each agent's half-planes."""
    sim = pyrvo.RVOSimulator(DT, neighbor_dist, max_neighbors, HORIZON, HORIZON, 0.3, 1.0)
    for i in range(len(position)):
        traits = (neighbor_dist, max_neighbors, HORIZON, HORIZON, float(radius[i]), float(speed[i]))
        sim.add_agent(tuple(position[i].tolist()), *traits, tuple(velocity[i].tolist()))
        sim.set_agent_pref_velocity(i, tuple(preferred[i].tolist()))
    sim.do_step()
    new = [sim.get_agent_velocity(i) for i in range(len(position))]
    lines = [
        [sim.get_agent_orca_line(i, k) for k in range(sim.get_agent_num_orca_lines(i))] for i in range(len(position))
    ]
    return torch.tensor([(v.x, v.y) for v in new], dtype=torch.float64), lines


def violation(lines, velocity) -> float:
    """Greatest distance by which a velocity breaks RVO2's half-planes."""
    x, y = velocity.tolist()
    return max(direction[0] * (point[1] - y) - direction[1] * (point[0] - x) for direction, point in lines)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("people", "side"), [(2, 2.0), (5, 8.0), (12, 8.0), (30, 12.0)])
def test_agrees_with_rvo2_agent_by_agent(people, side, dtype):
    crowd = random_crowd(30, people, side, seed=people, dtype=dtype)
    ours = orca_velocity(*crowd, HORIZON, DT).double()
    theirs = torch.stack([rvo2(*(part[e] for part in crowd[:5]))[0] for e in range(30)])
    sound = theirs.norm(dim=-1) < crowd[4] + 1e-5  # RVO2's single precision now and then breaks its own speed limit
    assert sound.float().mean() > 0.99
    assert (ours - theirs)[sound].abs().max() < 1e-4


def test_agrees_with_rvo2_where_no_velocity_is_free():
    crowd = random_crowd(40, 15, 2.5)
    ours = orca_velocity(*crowd, HORIZON, DT)
    infeasible = differing = 0
    for e in range(40):
        theirs, lines = rvo2(*(part[e] for part in crowd[:5]))
        for i in range(15):
            least = violation(lines[i], theirs[i])
            infeasible += least > 1e-3
            differing += bool((ours[e, i] - theirs[i]).abs().max() > 1e-4)
            assert violation(lines[i], ours[e, i]) < max(least, 0.0) + 1e-4
    assert infeasible > 300
    assert differing < 5


def test_stays_in_step_with_rvo2_over_a_whole_crossing():
    angle = torch.arange(8) * 2 * torch.pi / 8
    noise = 0.5 * torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    start = (4 * torch.stack((angle.cos(), angle.sin()), dim=-1) + noise).double()
    sim = pyrvo.RVOSimulator(DT, 10.0, 10, HORIZON, HORIZON, 0.3, 1.0)
    for place in start:
        sim.add_agent(tuple(place.tolist()))
    position, velocity = start[None], torch.zeros(1, 8, 2, dtype=torch.float64)
    radius, speed = torch.full((1, 8), 0.3).double(), torch.ones(1, 8).double()
    worst = 0.0
    for _ in range(80):
        wanted = -start[None] - position
        wanted = wanted / wanted.norm(dim=-1, keepdim=True).clamp(min=1.0)
        velocity = orca_velocity(position, velocity, wanted, radius, speed, speed > 0, HORIZON, DT)
        position = position + DT * velocity
        for i in range(8):
            at = sim.get_agent_position(i)
            to = -start[i] - torch.tensor((at.x, at.y)).double()
            sim.set_agent_pref_velocity(i, tuple((to / to.norm().clamp(min=1.0)).tolist()))
        sim.do_step()
        places = [sim.get_agent_position(i) for i in range(8)]
        worst = max(worst, (position[0] - torch.tensor([(p.x, p.y) for p in places])).abs().max().item())
    assert (position[0] + start).norm(dim=-1).max() < 0.5, "everybody has crossed"
    assert worst < 1e-2


def test_permuting_people_permutes_velocities():
    crowd = random_crowd(4, 9, 5.0)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    shuffled = orca_velocity(*(part[:, order] for part in crowd), HORIZON, DT)
    torch.testing.assert_close(shuffled, orca_velocity(*crowd, HORIZON, DT)[:, order], rtol=0, atol=1e-9)


def test_padding_changes_nothing():
    crowd = random_crowd(4, 6, 4.0)
    padded = [torch.cat((part, torch.zeros_like(part[:, :3])), dim=1) for part in crowd]
    assert torch.equal(orca_velocity(*padded, HORIZON, DT)[:, :6], orca_velocity(*crowd, HORIZON, DT))


def test_a_single_agent_decides_as_it_would_among_all():
    position, velocity, wanted, radius, speed, present = random_crowd(5, 8, 5.0)
    agents = torch.tensor([[3], [0], [7], [1], [2]])
    rows = torch.arange(5)[:, None]
    alone = orca_velocity(
        position, velocity, wanted[rows, agents], radius, speed[rows, agents], present, HORIZON, DT, agents=agents
    )
    everyone = orca_velocity(position, velocity, wanted, radius, speed, present, HORIZON, DT)
    assert torch.equal(alone, everyone[rows, agents])


def test_deciding_agents_may_be_a_slice_and_chunks_change_nothing(monkeypatch):
    position, velocity, wanted, radius, speed, present = random_crowd(5, 14, 5.0)
    everyone = orca_velocity(position, velocity, wanted, radius, speed, present, HORIZON, DT)
    monkeypatch.setattr(orca, "CHUNK", 200)
    monkeypatch.setattr(linear_programme, "CHUNK", 50)
    rest = slice(3, None)
    some = orca_velocity(position, velocity, wanted[:, rest], radius, speed[:, rest], present, HORIZON, DT, agents=rest)
    assert torch.equal(some, everyone[:, rest])


def test_share_says_who_gives_way():
    position = torch.tensor([[[0.0, 0.0], [4.0, 0.1]]], dtype=torch.float64)
    velocity = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]], dtype=torch.float64)
    radius, speed = torch.full((1, 2), 0.3).double(), torch.ones(1, 2).double()

    def turned(share):
        new = orca_velocity(position, velocity, velocity, radius, speed, speed > 0, HORIZON, DT, share=share)
        return (new - velocity).norm(dim=-1)[0]

    none, little, half, full = (turned(share)[0] for share in (0.0, 0.2, 0.5, 1.0))
    assert none == 0 < little < half < full
    mixed = turned(torch.tensor([[[1.0], [0.0]]]).double())
    assert mixed[0] == full
    assert mixed[1] == 0


def test_walls_are_not_walked_through_even_in_a_crush():
    position = torch.tensor([[[0.0, 0.0], [-0.65, 0.0], [-0.65, 0.7], [-0.65, -0.7]]]).double()
    velocity, wanted = torch.zeros_like(position), torch.tensor([1.0, 0.0]).double().expand(1, 4, 2)
    walls = torch.tensor([[[0.5, -3.0, 0.5, 3.0]]]).double()
    radius, speed = torch.full((1, 4), 0.3).double(), torch.ones(1, 4).double()
    for _ in range(40):
        velocity = orca_velocity(position, velocity, wanted, radius, speed, speed > 0, HORIZON, DT, walls=walls)
        position = position + DT * velocity
    assert position[..., 0].max() <= 0.2 + 1e-6
    assert position[..., 0].max() > 0.1


def test_programme_is_no_worse_than_a_grid_search():
    generator = torch.Generator().manual_seed(0)
    angle = 2 * torch.pi * torch.rand(6, 200, generator=generator, dtype=torch.float64)
    nx, ny, offset = angle.cos(), angle.sin(), 0.8 * torch.rand(6, 200, generator=generator).double() - 0.5
    wanted = torch.randn(2, 200, generator=generator, dtype=torch.float64)
    x, y = closest_velocity(HalfPlanes.of(nx, ny, offset), wanted[0], wanted[1], torch.ones(200).double())
    assert (x.square() + y.square()).max() < 1 + 1e-9
    side = torch.linspace(-1, 1, 81, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    grid = grid[grid.norm(dim=-1) <= 1]
    slack = (nx[..., None] * grid[:, 0] + ny[..., None] * grid[:, 1] - offset[..., None]).amin(0)
    own = (nx * x + ny * y - offset).amin(0)
    solvable = slack.amax(-1) >= 0
    assert 20 < solvable.sum() < 180
    assert (own[solvable] > -1e-9).all()
    assert (own[~solvable] >= slack[~solvable].amax(-1) - 1e-9).all()
    cost = torch.where(slack >= 0, (grid - wanted.T[:, None]).norm(dim=-1), torch.inf).amin(-1)
    assert ((torch.stack((x, y), -1) - wanted.T).norm(dim=-1)[solvable] <= cost[solvable] + 1e-9).all()
