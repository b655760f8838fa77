"""Files as other people write them: clocks, map coordinates, ids, separators; and what is said of other files."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jepa_social.data.module import SceneDataModule
from jepa_social.data.schema import Recording
from jepa_social.data.table import Table
from jepa_social.scene import KINDS

FPS = 25.0


def place(agent: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where everybody is at any time, m: known exactly, so that nothing can be lost unseen."""
    return 0.8 * time - agent + np.sin(time + agent), 3.0 * agent + np.cos(0.7 * time)


def crossing(seconds: float = 12.0, agents: int = 3) -> dict[str, np.ndarray]:
    """Columns at `FPS`, frame by frame."""
    frame, agent = np.meshgrid(np.arange(int(seconds * FPS)), np.arange(agents), indexing="ij")
    time, agent = frame.ravel() / FPS, agent.ravel()
    x, y = place(agent, time)
    return {"time": time, "agent": agent, "x": x, "y": y}


def write(path, columns: dict, separator: str = ",", head: str = "") -> str:
    rows = zip(*([str(cell) for cell in column] for column in columns.values()), strict=True)
    text = head + separator.join(columns) + "\n" + "".join(separator.join(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def only(path: str, **settings) -> Recording:
    (found,) = Table(path, val=0, test=0, **settings).recordings("train")
    return found


COLUMNS = crossing()


@pytest.mark.parametrize(
    ("name", "changes", "settings", "began"),
    [
        ("spaces.csv", {"names": ["time", " agent", " x", " y "]}, {}, 0.0),
        ("bom.csv", {"head": "\ufeff"}, {}, 0.0),
        ("packed.csv.gz", {}, {}, 0.0),
        ("european.csv", {"separator": ";", "comma": True}, {"separator": ";", "decimal": ","}, 0.0),
        ("frames.csv", {"time": lambda t: np.round(t * FPS)}, {"rate": FPS}, 0.0),
        ("epoch.csv", {"time": lambda t: [f"{1.7e9 + one:.3f}" for one in t]}, {}, 1.7e9),
        ("stamps.csv", {"time": lambda t: 1_700_000_000 * 10**9 + np.round(t * 1e9).astype(int)}, {"rate": 1e9}, 1.7e9),
        ("utm.csv", {"x": lambda x: x + 5e5, "y": lambda y: y + 4e6}, {"origin": [500000, 4000000]}, 0.0),
        ("pixels.csv", {"x": lambda x: x / 0.02 + 640, "y": lambda y: y / 0.02 + 480},
         {"origin": [640, 480], "scale": 0.02}, 0.0),
    ],
)  # fmt: skip
def test_windows_are_what_the_file_says(tmp_path, name, changes, settings, began):
    """Positions and velocities in the windows, against the motion that the file was made of."""
    columns = {key: changes.get(key, lambda same: same)(value) for key, value in COLUMNS.items()}
    columns = dict(zip(changes.get("names", columns), columns.values(), strict=True))
    if changes.get("comma"):
        columns = {key: [str(cell).replace(".", ",") for cell in value] for key, value in columns.items()}
    path = write(tmp_path / name, columns, changes.get("separator", ","), changes.get("head", ""))
    source = Table(path, val=0, test=0, **settings)
    windows = SceneDataModule(source, tmp_path / "cache", 8, 12, 0.4, eval_min_agents=1).windows("train")
    assert windows is not None
    assert len(windows) == 11
    for window in range(len(windows)):
        scene, start = windows[[window]], windows.origin(window)[1] - began
        time = start + 0.4 * np.arange(20)
        truth = np.stack(place(windows.ids(window)[:, None], time[None]), axis=-1)
        assert bool(scene.present.all())
        np.testing.assert_allclose(scene.position[0], truth, atol=2e-5)
        np.testing.assert_allclose(scene.velocity[0, :, 1:], np.diff(truth, axis=1) / 0.4, atol=5e-5)


def test_long_ids_stay_apart(tmp_path):
    """Digits beyond what floats hold: 18446744073709550000 and ...001 are two agents."""
    ids = [str(18446744073709550000 + int(agent)) for agent in COLUMNS["agent"]]
    found = only(write(tmp_path / "a.csv", COLUMNS | {"agent": ids}))
    np.testing.assert_array_equal(np.unique(found.agent, return_inverse=True)[1], COLUMNS["agent"])
    pq.write_table(pa.table(COLUMNS | {"agent": pa.array(list(map(int, ids)), pa.uint64())}), tmp_path / "a.parquet")
    assert len(np.unique(only(str(tmp_path / "a.parquet")).agent)) == 3


def test_a_clock_written_in_ms_keeps_its_rate(tmp_path):
    """33, 34, 33 ms: the median is 1 % off, half a second in a minute."""
    columns = crossing(60.0)
    columns["time"] = np.round(columns["time"] * FPS / 29.97 * 1000).astype(int)
    assert only(write(tmp_path / "a.csv", columns), rate=1000).dt == pytest.approx(1 / 29.97, rel=1e-4)


def test_headings_in_degrees(tmp_path):
    heading = np.linspace(-170.0, 170.0, len(COLUMNS["x"]))
    path = write(tmp_path / "a.csv", COLUMNS | {"heading": heading})
    with pytest.raises(ValueError, match=r"a\.csv, row 2: a heading of -170 is no angle in rad: set data\.source\.deg"):
        only(path)
    told = only(path, degrees=True).heading
    assert told is not None
    np.testing.assert_allclose(told, np.radians(heading))
    assert only(path, heading=False).heading is None


def test_kinds_may_be_numbers(tmp_path):
    path = write(tmp_path / "a.csv", COLUMNS | {"kind": COLUMNS["agent"]})
    found = only(path, kinds={0: "pedestrian", 1: "cyclist", "2": "vehicle"})
    assert [KINDS[kind] for kind in found.kind[:3]] == ["pedestrian", "cyclist", "vehicle"]


def test_files_of_one_name_are_told_apart(tmp_path):
    for folder in ("monday", "tuesday/noon"):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder / "tracks.csv", COLUMNS)
    write(tmp_path / "monday" / "other.csv", COLUMNS)
    source = Table(str(tmp_path / "**/*.csv"), val=0, test=["tuesday/*"])
    assert [one.name for one in source.recordings("train")] == ["other", "monday/tracks"]
    assert [one.name for one in source.recordings("test")] == ["tuesday/noon/tracks"]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (b"time,agent,x,y\n0,1,2,3\n1,1,2\n", {}, r"t\.csv: .*Row #3: Expected 4 columns, got 3.*data\.source\.sep"),
        (b"", {}, r"t\.csv: Empty CSV file"),
        ("time,agent,x,y\n0,1,2,3\n1,1,2,3\n".encode("utf-16"), {}, r"t\.csv: .*it must be UTF-8 text"),
        (b"time,agent,x,y,scene\n", {}, r"t\.csv, row 1: no row below the header"),
        (b"time;agent;x;y\n0;1;2;3\n", {}, r"t\.csv, row 1: no column `time`.*data\.source\.separator"),
        (b"time,agent,x,y,x\n0,1,2,3,4\n", {}, r"t\.csv, row 1: several columns are called `x`"),
        (b'time,agent,x,y\n0,1,"2,5",3\n', {}, r"t\.csv, row 2: `x` is '2,5', .*data\.source\.decimal=','"),
        (b"time,agent,x,y,ok\n0,1,2,3,yes\n", {"keep": "ok"}, r"t\.csv, row 2 and below: `ok` must be true or false"),
        (b"time,agent,x,y\n0,1,2,3\n40,1,2,3\n", {}, r"a sample every 40 s: data\.source\.rate \(now 1\).*1000 for ms"),
        (b"time,agent,x,y\n0,1,2,3\n1,1,999,3\n", {}, r"row 3: .*jumps 997 m.*data\.source\.rate and data\.source"),
        (b"time,agent,x,y\n0,1,5e5,4e6\n1,1,5e5,4e6\n", {}, r"row 2: more than 100000 m .*data\.source\.origin=\["),
        (b"time,agent,x,y\n0,1,2,3\n", {"origin": [1.0]}, r"data\.source\.origin=\[1\.0\] must be two numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path, text, settings, message):
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        only(str(tmp_path / "t.csv"), **settings)


def test_units_that_make_nobody_walk_are_pointed_out(tmp_path, capsys):
    """Frame numbers taken for seconds are no fault that a row could have, and ruin everything."""
    path = write(tmp_path / "frames.csv", crossing(60.0) | {"time": np.round(crossing(60.0)["time"] * FPS)})
    for rate, said in ((1.0, True), (FPS, False)):
        source = Table(path, val=0.2, test=0.2, cut=1.0, rate=rate)
        SceneDataModule(source, tmp_path / "cache", 4, 4, 0.4, eval_min_agents=1).check()
        assert ("data.source.rate" in capsys.readouterr().out) is said
