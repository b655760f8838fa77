from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest

from jepa_social.data.eth_ucy import EthUcy
from jepa_social.data.logs import Logs
from jepa_social.data.schema import write_log
from jepa_social.data.source import SPLITS, Deal
from jepa_social.data.table import Table
from jepa_social.data.trajnet import TrajNet
from jepa_social.scene import KINDS
from tests.data.logs import walk, write_folds, write_text


def names(source) -> dict[str, list[str]]:
    return {split: [recording.name for recording in source.recordings(split)] for split in SPLITS}


def test_eth_ucy_reads_its_fold(tmp_path):
    source = EthUcy(str(write_folds(tmp_path)), "hotel")
    assert names(source) == {"train": ["scene1", "scene2"], "val": ["scene3"], "test": ["scene4"]}
    found, wanted = source.recordings("test")[0], walk(seed=4)
    np.testing.assert_array_equal(found.x, wanted.x)
    np.testing.assert_allclose(found.time, wanted.time)
    assert found.dt == 0.4
    assert len(source.describe()["files"]) == 4


def test_eth_ucy_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data\.source\.root=.*nowhere.*must be the folder that holds eth/"):
        EthUcy(str(tmp_path / "nowhere"), "hotel")
    with pytest.raises(FileNotFoundError, match=r"univ/test does not exist.*<fold>/"):
        EthUcy(str(write_folds(tmp_path)), "univ").recordings("test")
    with pytest.raises(ValueError, match=r"data\.source\.fold must be one of"):
        EthUcy(str(tmp_path), "bern")
    with pytest.raises(ValueError, match=r"data\.source\.fold=eth"):
        EthUcy(str(tmp_path), "hotel", corrected=True)
    with pytest.raises(ValueError, match="split must be one of"):
        EthUcy(str(tmp_path), "hotel").recordings("dev")


def test_a_validation_scene_needs_names_that_say_the_scene(tmp_path):
    with pytest.raises(ValueError, match=r"scene1\.txt: data\.val_scene needs files named .*biwi_eth.*rename it"):
        EthUcy(str(write_folds(tmp_path)), "hotel", val_scene="eth").recordings("val")
    with pytest.raises(ValueError, match=r"data\.val_scene must be null or.*got `bern`"):
        EthUcy(str(tmp_path), "hotel", val_scene="bern")


def test_trajnet_deals_recordings_by_name_or_hash(tmp_path):
    for seed in range(40):
        write_text(tmp_path / "Train/stanford" / f"site{seed % 4}_{seed}.txt", walk(seed=seed), frames_per_step=12)
    found = names(TrajNet(str(tmp_path), val=["site1_*"], test=["site2_2", "site3_*"]))
    assert {name[:5] for name in found["val"]} == {"site1"}
    assert len(found["test"]) == 11
    hashed = names(TrajNet(str(tmp_path)))
    assert sorted(chain.from_iterable(hashed.values())) == sorted(chain.from_iterable(found.values()))
    assert min(len(part) for part in hashed.values()) > 0
    one = TrajNet(str(tmp_path)).recordings("train")[0]
    assert one.dt == pytest.approx(np.diff(one.time[one.agent == 10]).min())
    with pytest.raises(FileNotFoundError, match=r"Test/stanford does not exist"):
        TrajNet(str(tmp_path), folder="Test/stanford")


def test_a_deal_is_stable_and_refuses_nonsense():
    few, many = [f"r{k}" for k in range(50)], [f"r{k}" for k in range(500)]
    deal = Deal(0.1, 0.2)
    assert deal.split(many)[:50] == deal.split(few)
    assert np.mean([split == "test" for split in deal.split(many)]) == pytest.approx(0.2, abs=0.05)
    with pytest.raises(ValueError, match=r"data\.source\.val: `x\*` fits no recording"):
        Deal(["x*"], 0.0).split(few)
    with pytest.raises(ValueError, match="take it out of one"):
        Deal(["r1"], ["r1*"]).split(few)
    with pytest.raises(ValueError, match=r"data\.source\.val=0\.6 and data\.source\.test=0\.5.*at most 1"):
        Deal(0.6, 0.5)
    assert set(Deal(0, 1.0).split(many)) == {"test"}


def make_table(recordings) -> pa.Table:
    parts = []
    for recording in recordings:
        kinds = np.array(["ped", "bot", "cyclist"])[recording.kind]
        columns = {"clip": [recording.name] * len(recording), "ms": recording.time * 1000, "px": recording.x * 100}
        columns |= {"py": recording.y * 100, "who": [f"p{a}" for a in recording.agent], "what": kinds}
        parts.append(pa.table(columns | {"ok": np.ones(len(recording), bool), "mood": recording.x}))
    return pa.concat_tables(parts)


SETTINGS = {"time": "ms", "x": "px", "y": "py", "agent": "who", "scene": "clip", "kind": "what", "rate": 1000}
SETTINGS |= {"scale": 0.01, "kinds": {"ped": "pedestrian", "bot": "robot"}, "keep": "ok", "extras": ["mood"]}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_table_reads_any_columns_and_units(tmp_path, suffix):
    recordings = [walk(f"clip{seed}", seed=seed) for seed in range(3)]
    path = tmp_path / f"tracks{suffix}"
    (pv.write_csv if suffix == ".csv" else pq.write_table)(make_table(recordings), path)
    source = Table(str(tmp_path / "*"), **SETTINGS, val=["*/clip1"], test=["*/clip2"])
    assert names(source) == {"train": ["tracks/clip0"], "val": ["tracks/clip1"], "test": ["tracks/clip2"]}
    for split, wanted in zip(SPLITS, recordings, strict=True):
        found = source.recordings(split)[0]
        order = np.lexsort((found.extras["mood"], found.time))
        expected = np.lexsort((wanted.x, wanted.time))
        np.testing.assert_allclose(found.x[order], wanted.x[expected])
        np.testing.assert_array_equal(found.kind[order], wanted.kind[expected])
        assert found.dt == pytest.approx(wanted.dt)
        assert len(np.unique(found.agent)) == len(np.unique(wanted.agent))


def test_table_takes_ids_that_count_within_a_kind(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,agent,type,x,y\n0,1,ped,0,0\n0,1,car,5,5\n1,1,ped,0,1\n1,1,car,5,6\n")
    with pytest.raises(ValueError, match=r"t\.csv, row 3: agent 1 at 0 s is already in row 2"):
        Table(str(path), test=0, val=0).recordings("train")
    assert len(np.unique(Table(str(path), agent=["type", "agent"], test=0, val=0).recordings("train")[0].agent)) == 2


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("time,agent,x\n0,1,2\n", {}, r"t\.csv, row 1: no column `y`; it has .*name the right column"),
        ("time,agent,x,y\n0,1,2,3\n1,1,2,three\n", {}, r"t\.csv, row 3: `y` is 'three', not a number"),
        ("time,agent,x,y\n0,1,2,3\n1,,2,3\n", {}, r"t\.csv, row 3: `agent` is empty"),
        ("time,agent,x,y\n0,1,2,3\n1,1,,3\n", {}, r"t\.csv, row 3: `x` is not a finite number"),
        ("time,agent,x,y\n0,1,2,3\n", {}, r"set data\.source\.dt"),
        ("time,agent,x,y,k\n0,1,2,3,ped\n1,1,2,3,ped\n", {"kind": "k"}, r"row 2: kind is 'ped': .*data\.source\.kinds"),
        ("time,agent,x,y\n0,1,2,3\n1,1,2,3\n", {"rate": 0}, r"data\.source\.rate=0"),
    ],
)
def test_table_names_what_is_wrong(tmp_path, text, settings, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        Table(str(tmp_path / "t.csv"), test=0, val=0, **settings).recordings("train")


def test_logs_split_by_scene_and_by_file(tmp_path):
    for run in ("a", "b"):
        write_log(tmp_path / f"{run}.parquet", [walk(f"seed{k}", seed=k) for k in range(30)], source="test")
    found = names(Logs(str(tmp_path / "*.parquet"), val=0.2, test=0.2))
    assert all(found.values())
    assert not set(found["train"]) & set(found["test"]) | set(found["val"]) & set(found["test"])
    assert sum(len(part) for part in found.values()) == 60
    apart = Logs(str(tmp_path / "a.parquet"), val=0.2, test=0.2, test_path=str(tmp_path / "b.parquet"))
    assert len(apart.recordings("test")) == 30
    assert len(apart.recordings("train")) + len(apart.recordings("val")) == 30
    with pytest.raises(FileNotFoundError, match=r"data\.source\.path=.*none\.parquet fits no file"):
        Logs(str(tmp_path / "none.parquet"))


def test_logged_motion_is_used_only_when_asked_for(tmp_path):
    columns = {name: np.ones(len(walk())) for name in ("vx", "vy", "heading")}
    write_log(tmp_path / "log.parquet", [walk(**columns)], source="test")
    plain, logged = (Logs(str(tmp_path / "log.parquet"), 0, 0, motion=m) for m in ("difference", "logged"))
    assert plain.recordings("train")[0].vx is None
    assert logged.recordings("train")[0].vx is not None
    assert plain.describe() != logged.describe()


def test_faults_in_logs_name_scene_and_row(tmp_path):
    broken = walk("seed7")
    broken.x[5] = np.nan
    write_log(tmp_path / "log.parquet", [broken], source="test")
    with pytest.raises(ValueError, match=r"log\.parquet, scene seed7, row 6: `x` is not a finite number"):
        Logs(str(tmp_path / "log.parquet"), 0, 0).recordings("train")


def test_kinds_of_the_schema_are_those_of_the_scene(tmp_path):
    write_log(tmp_path / "log.parquet", [walk()], source="test")
    stored = set(pq.read_table(tmp_path / "log.parquet")["kind"].cast(pa.string()).to_pylist())
    assert stored == {KINDS[k] for k in np.unique(walk().kind)}
