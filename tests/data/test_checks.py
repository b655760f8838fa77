import numpy as np
import pytest

from jepa_social.data.checks import Origin, checked
from jepa_social.data.schema import Recording
from jepa_social.data.text import read_tracks
from tests.data.logs import walk, write_text


def rows(text: str, tmp_path, **settings) -> Recording:
    (tmp_path / "bad.txt").write_text(text)
    return read_tracks(tmp_path / "bad.txt", "bad", 0.04, 0.4, **settings)


GOOD = "0 1 0.0 0.0\n10 1 0.5 0.0\n20 1 1.0 0.0\n"


@pytest.mark.parametrize(
    ("text", "row", "what", "remedy"),
    [
        (GOOD + "30 1 1.5\n", 4, "3 columns instead of", "repair the row"),
        (GOOD + "\n30 1 one 0.0\n", 5, "not four numbers", "repair the row"),
        (GOOD + "30 1 nan 0.0\n", 4, "`x` is not a finite number", "drop or repair"),
        (GOOD + "30 1 ? ?\n", 4, "withheld", "withheld=cut"),
        (GOOD + "30 1.5 0 0\n", 4, "not an integer", "repair the row"),
        (GOOD + "5 1 1.5 0.0\n", 4, "steps back in time", "sort the file"),
        (GOOD + "20 1 1.5 0.0\n", 4, "already in row 3", "drop one"),
        (GOOD + "30 1 9.0 0.0\n", 4, "jumps 8 m in 0.4 s", "glitches=split"),
        (GOOD + "30 1 5e5 0.0\n", 4, "from the origin", "subtract a local origin"),
        (GOOD + "".join(f"{5 * k} 2 {k / 9} 3\n" for k in range(8)), 4, "sampled every 0.2 s", "mixed rates"),
    ],
)
def test_fault_is_named_with_row_and_remedy(tmp_path, text, row, what, remedy):
    with pytest.raises(ValueError, match=rf"bad\.txt, row {row}: ") as caught:
        rows(text, tmp_path)
    assert what in str(caught.value)
    assert remedy in str(caught.value)


def test_empty_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"bad\.txt: no row"):
        rows("\n", tmp_path)


def test_withheld_rows_can_be_cut(tmp_path):
    assert len(rows(GOOD + "30 1 ? ?\n", tmp_path, withheld="cut")) == 3


def test_split_gives_the_rest_of_a_track_a_new_id(tmp_path):
    two = "0 1 0 0\n10 1 0.5 0\n20 1 90 0\n30 1 90.5 0\n40 1 0 0\n" + "".join(f"{k}0 7 {k / 2} 5\n" for k in range(5))
    found = rows(two, tmp_path, glitches="split")
    assert found.agent[np.lexsort((found.time, found.y))].tolist() == [1, 1, 8, 8, 9, 7, 7, 7, 7, 7]


def test_order_of_rows_may_mean_nothing():
    good = walk()
    shuffle = np.random.default_rng(0).permutation(len(good))
    origin = Origin("log.parquet", shuffle + 1)
    with pytest.raises(ValueError, match="in_order=false"):
        checked(good.take(shuffle), origin)
    np.testing.assert_array_equal(checked(good.take(shuffle), origin, in_order=False).x, good.x)


def test_agents_may_miss_samples(tmp_path):
    path = write_text(tmp_path / "walk.txt", walk(agents=8, seed=3))
    assert len(read_tracks(path, "walk", 0.04, 0.4)) == len(walk(agents=8, seed=3))
