"""What a call of the bench writes into the CSV, and what it leaves there."""

from dataclasses import replace

import pytest

from jepa_social.ablate import _publish
from jepa_social.bench.cells import run_cell
from jepa_social.bench.grid import expand
from jepa_social.bench.records import Record, collect, read_records, write_records
from tests.bench.grids import TABLE, Toy, toy_config, toy_grid


def run(cells) -> None:
    for cell in cells:
        run_cell(cell, Toy().train, Toy().evaluate)


def some(folder, rows: list[str], **changes):
    config = toy_config(folder, **changes)
    config.rows = rows
    return expand(config)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> list[Record]:
    """The whole grid, run elsewhere by an older commit."""
    folder = tmp_path_factory.mktemp("elsewhere")
    grid = toy_grid(folder)
    run(grid.cells)
    return [replace(record, commit="older") for record in collect(grid, grid.cells)]


@pytest.fixture
def published(tmp_path, elsewhere) -> list[Record]:
    """That, published here, where nothing was run."""
    write_records(tmp_path / "toy.csv", elsewhere)
    return elsewhere


def keyed(records) -> dict[tuple, Record]:
    return {(r.row, r.fold, r.seed, r.policy, r.metric): r for r in records}


def test_one_cell_renews_its_own_lines(tmp_path, published, capsys):
    grid = toy_grid(tmp_path)
    run(grid.cells[:1])  # row one, the reference, fold 5, seed 0
    assert len(_publish(grid, tmp_path)) == 7
    now = read_records(tmp_path / "toy.csv")
    assert list(keyed(now)) == list(keyed(published)), "in the same order"
    renewed = {(r.row, r.fold, r.seed) for r in now if r.commit != "older"}
    assert renewed == {("one", "5", 0), ("constant velocity", "5", 0)}
    assert "of 10 cells that are not of this call it keeps what it had (commits older)" in capsys.readouterr().out


def test_some_rows_leave_the_others_alone(tmp_path, published):
    grid = some(tmp_path, ["two, more"], title="Another title")
    run(grid.cells)
    assert not _publish(grid, tmp_path)
    now = read_records(tmp_path / "toy.csv")
    assert list(keyed(now)) == list(keyed(published))
    assert {r.row for r in now if r.commit != "older"} == {"two, more"}
    assert {r.title for r in now} == {"Another title"}


def test_what_is_kept_stands_where_the_grid_now_has_it(tmp_path, published):
    on_a_curve = {"overrides": ["model.depth=1"], "x": 0.5, "line": "curve"}
    grid = toy_grid(tmp_path, rows={"one": on_a_curve, "two, more": ["model.depth=2"]}, reference="one", x="hours")
    run(grid.cells[1:2])  # of the other row
    _publish(grid, tmp_path)
    kept = [r for r in read_records(tmp_path / "toy.csv") if r.row == "one"]
    assert {(r.commit, r.line, r.x, r.x_label) for r in kept} == {("older", "curve", 0.5, "hours")}


def test_what_was_run_with_other_settings_or_is_no_row_any_more_goes(tmp_path, published, capsys):
    run(toy_grid(tmp_path).cells[:6])  # of seed 1 one fold
    grid = toy_grid(tmp_path, base=[*TABLE["base"], "pretrain.epochs=9"], rows={"one": [], "three": ["model.depth=3"]})
    run(grid.cells[:2])  # both rows of fold 5, seed 0
    _publish(grid, tmp_path)
    now = {(r.row, r.fold, r.seed, r.commit == "older") for r in read_records(tmp_path / "toy.csv")}
    fresh = {(row, "5", 0, False) for row in ("one", "three", "constant velocity")}
    assert now == fresh | {("one", "6", 1, True), ("constant velocity", "6", 1, True)}, "not known to be others"
    assert "it no longer has two, more" in capsys.readouterr().out


def test_metrics_that_the_grid_no_longer_has_go(tmp_path, published):
    write_records(tmp_path / "toy.csv", [*published, *(replace(r, metric="fde") for r in published)])
    grid = toy_grid(tmp_path)
    run(grid.cells[:1])
    _publish(grid, tmp_path)
    assert {r.metric for r in read_records(tmp_path / "toy.csv")} == {"ade"}
