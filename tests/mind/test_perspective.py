import math

import pytest
import torch

from jepa_social.mind.perspective import in_view, perspective
from jepa_social.scene import KINDS, Scene


def scene(**settings) -> Scene:
    """The seer walks east; one stands ahead, one behind, and both are moved a metre north in the last frame."""
    seer = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    ahead = torch.tensor([[6.0, 0.0], [6.0, 0.0], [6.0, 1.0]])
    behind = torch.tensor([[-4.0, 0.0], [-4.0, 0.0], [-4.0, 1.0]])
    return Scene.from_arrays(torch.stack((seer, ahead, behind)), 1.0, **settings)


ME = torch.tensor([0])


def test_what_happens_behind_the_back_is_not_known():
    seen = perspective(scene(), ME)
    assert seen.position[0, 1, 2].tolist() == [6.0, 1.0]
    assert seen.position[0, 2, 2].tolist() == [-4.0, 0.0]
    assert seen.velocity[0, 2].abs().max() == 0
    assert torch.equal(seen.position[:, 0], scene().position[:, 0])


def test_what_another_has_seen_is_known_only_while_it_was_watched():
    """The second walks west with its back to the third, which the first sees; then one who looks the other way."""
    first = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    thing = torch.tensor([[6.0, 3.0], [6.0, 3.0], [6.0, 4.0]])
    for course, position in ((1.0, [6.0, 4.0]), (-1.0, [6.0, 3.0])):
        second = torch.tensor([[4.0, 0.0], [4.0 + 0.5 * course, 0.0], [4.0 + course, 0.0]])
        known = perspective(Scene.from_arrays(torch.stack((first, second, thing)), 1.0), torch.tensor([1]), by=ME)
        assert known.position[0, 2, 2].tolist() == position
        assert known.position[0, 1, 2].tolist() == second[2].tolist(), "the second itself was in view"
    behind = torch.tensor([[-4.0, 0.0], [-3.0, 0.0], [-2.0, 0.0]])
    known = perspective(Scene.from_arrays(torch.stack((first, behind, thing)), 1.0), torch.tensor([1]), by=ME)
    assert known.position[0, 2, 2].tolist() == [6.0, 3.0], "it sees the thing moved, and nobody sees that"
    assert known.position[0, 1, 2].tolist() == [-4.0, 0.0]


def test_what_lies_in_a_box_is_seen_only_while_it_is_moved():
    """An apple goes from a box ahead to one behind, and is passed later; the other way round; and behind the back."""
    walk = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    places = {"ahead": [6.0, 0.0], "behind": [-4.0, 0.0], "farther": [-5.0, 1.0]}
    boxes = torch.tensor(list(places.values()))[:, None].expand(-1, 4, -1)
    kind = [[KINDS.index(k) for k in ("pedestrian", "box", "box", "box", "apple")]]
    for start, end, known in (
        ("ahead", "behind", "behind"),
        ("behind", "ahead", "ahead"),
        ("behind", "farther", "behind"),
    ):
        apple = torch.tensor([places[start], places[start], places[end], places[end]])
        met = Scene.from_arrays(torch.cat((walk[None], boxes, apple[None]))[None], 1.0, kind=torch.tensor(kind))
        seen = perspective(met, ME).position[0, 4]
        assert seen.tolist() == [places[start], places[start], places[known], places[known]], "nobody looks into boxes"


def test_walls_block_the_view():
    wall = [[4.0, -2.0, 4.0, 2.0]]
    assert in_view(scene(walls=wall), ME, 90.0)[0].tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    seen = perspective(scene(walls=wall), ME, told=False)
    assert seen.present[0, 1].tolist() == [False] * 3
    assert perspective(scene(walls=wall), ME).position[0, 1, 2].tolist() == [6.0, 0.0]


def test_no_look_ahead_and_no_truth():
    whole = perspective(scene(), ME)
    part = perspective(scene().between(0, 2), ME)
    torch.testing.assert_close(whole.position[:, :, :2], part.position)
    assert whole.truth is None


def test_rigid_motion_changes_nothing():
    turned = perspective(scene().transform(0.7, [3.0, -1.0]), ME)
    again = perspective(scene(), ME).transform(0.7, [3.0, -1.0])
    torch.testing.assert_close(turned.position, again.position, rtol=0, atol=1e-4)


def test_an_agent_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.2"):
        perspective(scene(), torch.tensor([3]))
    with pytest.raises(ValueError, match=r"0\.\.2"):
        perspective(scene(), ME, by=torch.tensor([3]))


def test_the_cone_is_as_wide_as_asked():
    wide = scene()
    wide.position[0, 1, 1] = torch.tensor([1 + math.cos(1.0), math.sin(1.0)])
    assert in_view(wide, ME, 58.0)[0, 1, 1]
    assert not in_view(wide, ME, 56.0)[0, 1, 1]
