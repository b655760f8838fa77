"""Other people's tables: columns that may be there, one long recording, and cells that nobody can read."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest

from jepa_social.data.logs import Logs
from jepa_social.data.module import SceneDataModule
from jepa_social.data.schema import Recording, write_log
from jepa_social.data.source import SPLITS, Deal
from jepa_social.data.table import Table
from jepa_social.data.trajnet import TrajNet
from jepa_social.scene import KINDS
from tests.data.logs import walk, write_text


def write(path, recording: Recording, **more):
    columns = {name: getattr(recording, name) for name in ("time", "agent", "x", "y")}
    pv.write_csv(pa.table(columns | more), path)
    return str(path)


# ---- columns of the usual names


def test_optional_columns_are_used_where_they_are_there(tmp_path):
    rows = walk()
    more = {"scene": np.where(rows.time < 6, "early", "late"), "kind": ["cyclist"] * len(rows)}
    more |= {name: np.full(len(rows), value) for name, value in (("vx", 2.0), ("vy", 3.0), ("heading", 0.5))}
    path = write(tmp_path / "a.csv", rows, radius=np.full(len(rows), 20.0), **more)
    found = Table(path, val=0, test=0, scale=0.01, max_speed=99).recordings("train")
    assert [recording.name for recording in found] == ["a/early", "a/late"]
    for recording in found:
        assert {KINDS[kind] for kind in recording.kind} == {"cyclist"}
        got = {name: set(getattr(recording, name)) for name in ("vx", "vy", "heading", "radius")}
        assert got == {"vx": {0.02}, "vy": {0.03}, "heading": {0.5}, "radius": {0.2}}


def test_optional_columns_can_be_left_out_or_be_others(tmp_path):
    rows = walk()
    speeds = {name: np.full(len(rows), value) for name, value in (("vx", 2.0), ("vy", 3.0), ("right", 1.0))}
    path = write(tmp_path / "a.csv", rows, scene=["a", "b"] * (len(rows) // 2) + ["a"] * (len(rows) % 2), **speeds)
    (found,) = Table(path, val=0, test=0, scene=False, vx="right", vy=False).recordings("train")
    assert set(found.vx) == {1.0}
    assert found.vy is None
    with pytest.raises(ValueError, match=r"a\.csv, row 1: no column `size`"):
        Table(path, val=0, test=0, radius="size").recordings("train")


# ---- few recordings


@pytest.mark.parametrize(("name", "lacking"), [("plaza", "train"), ("square", "test")])
def test_one_recording_is_refused_with_what_to_do(tmp_path, name, lacking):
    path = write(tmp_path / f"{name}.csv", walk())
    for split in SPLITS:  # training and evaluation say the same
        with pytest.raises(ValueError, match=rf"(?s)no recording fell into {lacking}:.*data\.source\.cut=8"):
            Table(path).recordings(split)
    assert len(Table(path, val=0, test=0).recordings("train")) == 1
    assert len(Table(path, val=0, test=1.0).recordings("test")) == 1
    assert len(Table(path, val=0, test=[name]).recordings("test")) == 1


def as_table(folder, rows: Recording, **settings) -> Table:
    return Table(write(folder / "plaza.csv", rows), **settings)


def as_logs(folder, rows: Recording, **settings) -> Logs:
    write_log(folder / "log.parquet", [rows], source="a test")
    return Logs(str(folder / "log.parquet"), **settings)


def as_trajnet(folder, rows: Recording, **settings) -> TrajNet:
    write_text(folder / "Train/stanford/plaza.txt", rows, frames_per_step=12)
    return TrajNet(str(folder), **settings)


@pytest.mark.parametrize("source", [as_table, as_logs, as_trajnet])
def test_a_long_recording_is_cut_in_time(tmp_path, source):
    rows = walk("plaza", frames=200)
    parts = [source(tmp_path, rows, val=0.25, test=0.25, cut=4.0).recordings(split)[0] for split in SPLITS]
    ends = [(part.time.min(), part.time.max()) for part in parts]
    np.testing.assert_allclose(ends, [(0, 39.6), (44, 59.6), (63.7, 79.6)], atol=0.4)
    assert ends[1][0] - ends[0][1] > 4
    assert ends[2][0] - ends[1][1] > 4
    whole = {(time, agent): x for time, agent, x in zip(rows.time.round(6), rows.agent, rows.x, strict=True)}
    for part in parts:
        assert part.name == "plaza"
        assert all(whole[t, a] == x for t, a, x in zip(part.time.round(6), part.agent, part.x, strict=True))
    (rest,) = source(tmp_path, rows, val=0, test=0, cut=4.0).recordings("train")
    assert len(rest) == len(rows)
    cut = source(tmp_path, rows, val=0, test=0.2, cut=4.0)
    assert cut.recordings("val") == []
    assert cut.describe() != source(tmp_path, rows, val=0, test=0.2).describe()


def test_what_shares_moments_is_not_cut_in_time(tmp_path):
    """Two policies in one crowd, or the branches of an episode, would be cut at moments of their own."""
    write_log(tmp_path / "log.parquet", [walk("crowd/1#jepa"), walk("crowd/1#orca"), walk("other")], source="a test")
    with pytest.raises(ValueError, match=r"`crowd/1#jepa` and other recordings of `crowd/1` share moments"):
        Logs(str(tmp_path / "log.parquet"), cut=0.0).recordings("train")
    write_log(tmp_path / "log.parquet", [walk("crowd/1#jepa"), walk("crowd/2#jepa")], source="a test")
    assert len(Logs(str(tmp_path / "log.parquet"), cut=0.0).recordings("train")) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cut": 20.0}, r"`plaza` lasts 11\.6 s, and data\.source\.cut=20 leaves nothing of it for test"),
        ({"cut": -1.0}, r"data\.source\.cut=-1 must not be negative"),
        ({"cut": 1.0, "test": ["plaza"]}, r"set data\.source\.val and data\.source\.test to numbers"),
        ({"cut": 1.0, "test": 1.0, "val": 0}, r"numbers that leave some for train"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(tmp_path, settings, message):
    path = write(tmp_path / "plaza.csv", walk())
    with pytest.raises(ValueError, match=message):
        Table(path, **settings).recordings("test")


def test_training_says_at_once_what_it_lacks(tmp_path, capsys):
    def data(**settings) -> SceneDataModule:
        return SceneDataModule(Table(path, **settings), tmp_path / "cache", 4, 4, 0.4, eval_min_agents=1)

    path = write(tmp_path / "plaza.csv", walk(frames=200))
    with pytest.raises(ValueError, match="fell into train: whole recordings"):
        data().check()
    with pytest.raises(ValueError, match="no recording fell into train: lower"):
        data(val=0, test=1.0).check()
    data(val=0, test=0).check()
    assert "no recording fell into val (data.source.val): no validation" in " ".join(capsys.readouterr().out.split())
    data(cut=4.0).check()
    assert capsys.readouterr().out == ""


# ---- cells and names that are not what they should be


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("time,agent,x,y\n2024-05-01 10:00:00,1,2,3\n2024-05-01 10:00:01,1,2,3\n", {},
         r"t\.csv, row 2: `time` is '2024-05-01 10:00:00', not a number.*data\.source\.rate"),
        ("scene,time,agent,x,y\n1,0,1,2,3\n1,1,1,2,3\n,2,1,2,3\n", {}, r"t\.csv, row 4: `scene` is empty.*scene=false"),
        ("scene,time,agent,x,y\na,0,1,2,3\n,1,1,2,3\n", {}, r"t\.csv, row 3: `scene` is empty"),
        ("time,agent,x,y\n0,a,2,3\n1,,2,3\n", {}, r"t\.csv, row 3: `agent` is empty"),
        ("time,agent,x,y,vx\n0,1,2,3,0\n1,1,2,3,inf\n", {}, r"t\.csv, row 3: `vx` is infinite"),
    ],
)  # fmt: skip
def test_cells_are_named(tmp_path, text, settings, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        Table(str(tmp_path / "t.csv"), val=0, test=0, **settings).recordings("train")


def test_times_of_day_in_parquet_are_named(tmp_path):
    times = [None, *(datetime.datetime(2024, 5, 1, 10, 0, second) for second in range(3))]
    pq.write_table(pa.table({"time": times, "agent": [1] * 4, "x": [0.0] * 4, "y": [0.0] * 4}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"t\.parquet, row 2: `time` is '2024-05-01 10:00:00', not a number"):
        Table(str(tmp_path / "t.parquet"), val=0, test=0).recordings("train")


def test_a_listed_branch_is_told_that_it_is_dealt_with_its_origin():
    with pytest.raises(
        ValueError, match=r"`a#1` fits no recording; there are \['a', 'b'\] \(names up to the first `#`"
    ):
        Deal(0.0, ["a#1"]).split(["a#1", "a#2", "b"])
