import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jepa_social.data.schema import Recording, read_log, write_log
from tests.data.logs import walk


def assert_same(left: Recording, right: Recording) -> None:
    assert (left.name, left.dt) == (right.name, right.dt)
    assert set(left.columns()) == set(right.columns())
    for name, column in left.columns().items():
        np.testing.assert_array_equal(column, right.columns()[name], err_msg=name)
    assert (left.walls is None) == (right.walls is None)
    if left.walls is not None and right.walls is not None:
        np.testing.assert_array_equal(left.walls, right.walls)


def full(seed: int, walls: np.ndarray | None) -> Recording:
    plain = walk(f"scene{seed}", seed=seed)
    rng = np.random.default_rng(seed)
    more = {name: rng.normal(size=len(plain)) for name in ("vx", "vy", "heading", "radius")}
    more["vx"][::5] = np.nan
    extras = {"action": rng.integers(0, 6, len(plain)), "belief": np.where(plain.agent > 11, "left", "right")}
    return replace(plain, walls=walls, extras=extras, **more)


def test_what_is_written_is_read_back(tmp_path):
    written = [full(3, np.arange(8.0).reshape(2, 4)), full(1, None), full(2, np.zeros((0, 4)))]
    write_log(tmp_path / "a" / "log.parquet", written, source="test")
    for left, right in zip(written, read_log(tmp_path / "a" / "log.parquet"), strict=True):
        assert_same(left, right)


def test_bare_recordings_stay_bare(tmp_path):
    write_log(tmp_path / "log.parquet", [walk()], source="test")
    assert_same(walk(), read_log(tmp_path / "log.parquet")[0])


def test_rows_come_back_sorted(tmp_path):
    shuffled = walk().take(np.random.default_rng(0).permutation(len(walk())))
    write_log(tmp_path / "log.parquet", [shuffled], source="test")
    assert_same(walk(), read_log(tmp_path / "log.parquet")[0])


def test_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "log.parquet"
    write_log(path, [walk()], source="test")
    before = path.read_bytes()
    with pytest.raises(pa.ArrowInvalid):
        write_log(path, [replace(walk(), extras={"odd": np.array([object()] * len(walk()))})], source="test")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.parquet"]


def test_other_version_is_refused(tmp_path):
    path = tmp_path / "log.parquet"
    write_log(path, [walk()], source="test")
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"jepa_social"])
    pq.write_table(table.replace_schema_metadata({b"jepa_social": json.dumps(meta | {"version": 99})}), path)
    with pytest.raises(ValueError, match=r"log\.parquet: written with schema version 99.*record it again"):
        read_log(path)


def test_foreign_or_incomplete_files_are_refused(tmp_path):
    path = tmp_path / "log.parquet"
    write_log(path, [walk()], source="test")
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["x"]), path)
    with pytest.raises(ValueError, match=r"columns \['x'\] are missing"):
        read_log(path)
    pq.write_table(table.replace_schema_metadata(None), path)
    with pytest.raises(ValueError, match="read it with data/table"):
        read_log(path)


@pytest.mark.parametrize(
    ("recordings", "message"),
    [
        ([], "nothing to write"),
        ([walk("a"), walk("a")], "two recordings are called `a`"),
        ([walk("a"), full(1, None)], "differ in columns"),
    ],
)
def test_writer_refuses(tmp_path, recordings, message):
    with pytest.raises(ValueError, match=message):
        write_log(tmp_path / "log.parquet", recordings, source="test")


def test_recording_refuses_wrong_shapes():
    with pytest.raises(ValueError, match="`vx` has shape"):
        replace(walk(), vx=np.zeros(3))
    with pytest.raises(ValueError, match="walls must be"):
        replace(walk(), walls=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="kind must be an index"):
        replace(walk(), kind=np.full(len(walk()), 99))
