from collections import deque

import numpy as np
import torch

from jepa_social.worlds.village.grid import MOVES, STAY, UNREACHED, destinations, distances, sees, step_log_odds


def shortest(walls: np.ndarray, target: tuple[int, int]) -> np.ndarray:
    away = np.full(walls.shape, UNREACHED)
    away[target] = 0
    queue = deque([target])
    while queue:
        x, y = queue.popleft()
        for dx, dy in MOVES[1:].tolist():
            u, v = x + dx, y + dy
            if 0 <= u < walls.shape[0] and 0 <= v < walls.shape[1] and not walls[u, v] and away[u, v] == UNREACHED:
                away[u, v] = away[x, y] + 1
                queue.append((u, v))
    return away


def test_distances_are_those_of_breadth_first_search():
    rng = np.random.default_rng(0)
    walls = rng.random((6, 7, 9)) < 0.3
    walls[:2] = False
    target = np.stack((rng.integers(0, 7, (6, 3)), rng.integers(0, 9, (6, 3))), -1)
    walls[np.arange(6)[:, None], target[..., 0], target[..., 1]] = False
    found = distances(torch.tensor(walls), torch.tensor(target))
    for e in range(6):
        for m in range(3):
            np.testing.assert_array_equal(found[e, m], shortest(walls[e], tuple(target[e, m])))
    open_only = distances(torch.tensor(walls[:2]), torch.tensor(target[:2]))
    torch.testing.assert_close(open_only, found[:2])


def test_walls_and_edges_stop_steps():
    walls = torch.zeros(1, 3, 3, dtype=torch.bool)
    walls[0, 1, 1] = True
    there = destinations(walls, torch.tensor([[[0, 1]]]))[0, 0].tolist()
    assert there == [[0, 1], [0, 1], [0, 2], [0, 1], [0, 0]]


def test_steps_are_softmax_rational():
    walls = torch.zeros(1, 9, 9, dtype=torch.bool)
    away = distances(walls, torch.tensor([[[8, 4], [4, 4]]]))
    odds = step_log_odds(away, walls, torch.tensor([[[4, 4]]]), beta=1.0)[0, :, 0].exp()
    weight = np.exp([-3.0, -5.0, -5.0, -5.0])
    np.testing.assert_allclose(odds[0], [0.0, *(weight / weight.sum())], rtol=1e-5)
    assert odds[1, STAY] == 1


def test_sight_is_a_cone_that_walls_block():
    walls = torch.zeros(1, 9, 9, dtype=torch.bool)
    cell, east = torch.tensor([[[2, 4]]]), torch.tensor([[[1, 0]]])
    target = torch.tensor([[[7, 4], [3, 8], [2, 8], [0, 4], [2, 4]]])
    assert sees(walls, cell, east, target, 80.0)[0, 0].tolist() == [True, True, False, False, True]
    assert sees(walls, cell, east, target, 10.0)[0, 0].tolist() == [True, False, False, False, True]
    walls[0, 5, 4] = True
    assert sees(walls, cell, east, target, 80.0)[0, 0].tolist() == [False, True, False, False, True]
    assert sees(walls, cell, east, torch.tensor([[[5, 4]]]), 80.0)[0, 0].tolist() == [True], "a wall itself is seen"
