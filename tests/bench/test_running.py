"""Running a grid: what is done stays done, what was cut is done again, what fails stops nobody."""

import json
import signal
import sys
import time

import pytest
from filelock import Timeout

import jepa_social.ablate
from jepa_social.bench.cells import commit, failure, is_done, run_cell
from jepa_social.bench.execute import run_beside, run_here, run_launched
from jepa_social.runs import FORMAT, SETTINGS
from tests.bench.grids import Toy, toy_grid
from tests.stages.runs import CROWD, TINY


def run_all(cells, toy: Toy) -> None:
    todo = [cell for cell in cells if not is_done(cell)]
    run_here(todo, lambda cell: run_cell(cell, toy.train, toy.evaluate), lambda running, finished: None)


def test_what_is_done_is_not_run_again(tmp_path):
    cells, toy = toy_grid(tmp_path).cells, Toy()
    run_all(cells, toy)
    assert len(toy.trained) == 8
    assert all(is_done(cell) for cell in cells)
    run_all(cells, toy)
    assert len(toy.trained) == 8
    note = json.loads((cells[0].folder / "cell.json").read_text())
    assert note["commit"] == commit()
    assert note["seconds"] >= 0


def test_other_settings_or_suites_are_not_done(tmp_path):
    run_all(toy_grid(tmp_path).cells, Toy())
    assert not any(is_done(cell) for cell in toy_grid(tmp_path, base=["experiment=crowd", "pretrain.epochs=9"]).cells)
    assert not any(is_done(cell) for cell in toy_grid(tmp_path, suites=[["suite=forecast"], ["suite=crowd"]]).cells)


def test_a_run_of_another_format_is_not_done_and_stops_no_other_cell(tmp_path):
    cell = toy_grid(tmp_path).cells[0]
    run_all([cell], Toy())
    settings = cell.folder / SETTINGS
    settings.write_text(settings.read_text().replace(f"format: {FORMAT}", "format: 0"))
    assert not is_done(cell)
    run_here([cell], run_cell, lambda running, finished: None)
    assert "config.yaml has format 0" in failure(cell)


def test_a_cut_cell_is_done_again_and_the_others_are_not(tmp_path):
    cells, cut = toy_grid(tmp_path).cells, Toy({"one/6_0": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        run_all(cells, cut)
    assert cut.trained == ["one/5_0", "two_more/5_0", "one/6_0"]
    assert [is_done(cell) for cell in cells[:4]] == [True, True, False, False]
    rest = Toy()
    run_all(cells, rest)
    assert len(rest.trained) == 6
    assert rest.trained[0] == "one/6_0"
    assert all(is_done(cell) for cell in cells)


def test_a_failing_cell_stops_no_other_and_says_why(tmp_path):
    cells, toy = toy_grid(tmp_path).cells, Toy({"two_more/5_0": ValueError("no such luck")})
    run_all(cells, toy)
    assert len(toy.trained) == 8
    assert [cell.index for cell in cells if not is_done(cell)] == [1]
    assert failure(cells[1]) == "ValueError: no such luck"
    log = (cells[1].folder / "log.txt").read_text()
    assert "training two_more/5_0" in log
    assert "Traceback" in log


def test_two_benches_do_not_work_on_one_cell(tmp_path):
    cell, outer, inner = toy_grid(tmp_path).cells[0], Toy(), Toy()

    def train(config):
        outer.train(config)
        with pytest.raises(Timeout):
            run_cell(cell, inner.train, inner.evaluate)

    run_cell(cell, train, outer.evaluate)
    assert (len(outer.trained), inner.trained) == (1, [])
    assert is_done(cell)
    run_cell(cell, inner.train, inner.evaluate)  # it was to be done when that bench began
    assert inner.trained == []
    assert "while another process is at work" in (cell.folder / "log.txt").read_text()


def test_seconds_add_up_over_sessions(tmp_path):
    cell, toy = toy_grid(tmp_path).cells[0], Toy()

    def slow(config):
        time.sleep(0.2)
        toy.train(config)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_cell(cell, slow, toy.evaluate)
    assert json.loads((cell.folder / "cell.json").read_text())["seconds"] >= 0.4


SCRIPT = "import os, sys, time; print('threads', os.environ['OMP_NUM_THREADS']); time.sleep(0.3); sys.exit({})"


def test_processes_side_by_side_fail_alone_and_share_the_cores(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    cells, seen = toy_grid(tmp_path).cells[:5], []
    run_beside(
        cells,
        lambda cell: [sys.executable, "-c", SCRIPT.format(int(cell.index == 1))],
        2,
        lambda running, finished: seen.append((len(running), finished)),
    )
    assert max(running for running, _ in seen) == 2
    assert seen[-1] == (0, 5)
    assert [failure(cell) for cell in cells] == ["threads 4"] * 5


def test_an_interrupted_bench_leaves_no_process_behind(tmp_path):
    cells, mark = toy_grid(tmp_path).cells[:2], tmp_path / "mark"

    def interrupted(running, finished):
        raise KeyboardInterrupt

    late = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(mark)!r}).touch()"
    with pytest.raises(KeyboardInterrupt):
        run_beside(cells, lambda cell: [sys.executable, "-c", late], 2, interrupted)
    time.sleep(2.0)
    assert not mark.exists()


def test_jobs_are_watched_by_what_they_leave(tmp_path):
    cells, seen = toy_grid(tmp_path).cells[:2], []
    marks = [tmp_path / str(cell.index) for cell in cells]
    text = f"import time, pathlib; [(time.sleep(0.8), pathlib.Path(p).touch()) for p in {[str(m) for m in marks]}]"
    run_launched(
        cells, [sys.executable, "-c", text], lambda cell: marks[cell.index].exists(), lambda _, n: seen.append(n)
    )
    assert sorted(set(seen)) == [0, 1, 2]


@pytest.fixture
def command(monkeypatch, tmp_path):
    """`python -m jepa_social.ablate …` on a small real grid in this process; the exit code."""
    lists = [f'"{one}"' for one in (*CROWD[1:], *TINY, "pretrain.epochs=1", f"data.root={tmp_path / 'data'}")]
    fixed = [
        "ablation=objective", 'ablation.base=["experiment=crowd"]', "ablation.folds=[]", "ablation.seeds=[0]",
        'ablation.suites=[["suite=forecast","suite.split=val"]]', 'ablation.baselines=["constant velocity"]',
        f"train=[{','.join(lists)}]", f"runs={tmp_path / 'runs'}", f"results={tmp_path / 'results'}",
    ]  # fmt: skip
    before = signal.getsignal(signal.SIGTERM)

    def call(*more: str) -> int:
        monkeypatch.setattr(sys, "argv", ["ablate", *fixed, *more])
        try:
            jepa_social.ablate.main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    yield call
    signal.signal(signal.SIGTERM, before)


def test_the_command_end_to_end(command, tmp_path, capfd):
    """Two real rows and one that cannot be built."""
    bad = '+ablation.rows.bad=["model.heads=3"]'
    assert command("rows=[sigreg,ema,bad]", bad) == 1
    told = capfd.readouterr().out
    assert "1 of 3 cells are not done" in told
    assert "bad seed 0: " in told
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == [f"objective.{suffix}" for suffix in ("csv", "md", "png", "tex")]
    weights = [tmp_path / "runs" / "objective" / row / "0" / "model.safetensors" for row in ("sigreg", "ema")]
    times = [path.stat().st_mtime_ns for path in weights]
    assert command("rows=[sigreg,ema]") == 0
    assert [path.stat().st_mtime_ns for path in weights] == times
    text = (tmp_path / "results" / "objective.md").read_text()
    assert [name for name in ("ema (reference)", "sigreg", "constant velocity", "bad") if f"| {name} |" in text] == [
        "ema (reference)", "sigreg", "constant velocity",
    ]  # fmt: skip
