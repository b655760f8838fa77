"""Numbers, tables and figures of a grid, against a calculation by hand; all of it from the CSV alone."""

import math
import shutil

import numpy as np
import pytest

from jepa_social.bench import publish as module
from jepa_social.bench.cells import run_cell
from jepa_social.bench.figures import draw
from jepa_social.bench.publish import publish
from jepa_social.bench.records import collect, read_records, write_records
from jepa_social.bench.summary import over_seeds, summarise
from jepa_social.bench.tables import by_fold, comparison, latex, markdown, tables
from jepa_social.evaluation.results import merge_scores, read_results
from tests.bench.grids import Toy, record, toy_grid

T3 = 4.302652729911275
"""Student's 0.975 quantile with two degrees of freedom."""
ADE = ("forecast", "ade")


def two_rows():
    """Means over folds: ref 0.5, 0.6, 0.7; new 0.3, 0.4, 0.6."""
    values = {"ref": [(0.4, 0.6), (0.5, 0.7), (0.6, 0.8)], "new_1": [(0.2, 0.4), (0.3, 0.5), (0.5, 0.7)]}
    return [
        record(row, fold, seed, values[row][seed][i])
        for row in values
        for i, fold in enumerate(("a", "b"))
        for seed in range(3)
    ]


def test_means_intervals_and_paired_differences():
    summary = summarise(two_rows())
    ref, new = (line.scores[ADE] for line in summary.lines)
    assert ref.mean.mean == pytest.approx(0.6)
    assert (ref.mean.low, ref.mean.high) == pytest.approx(
        (0.6 - T3 * 0.1 / math.sqrt(3), 0.6 + T3 * 0.1 / math.sqrt(3))
    )
    assert ref.mean.n == 3
    assert ref.gap is None
    assert new.gap
    spread = math.sqrt(((-0.2 + 1 / 6) ** 2 * 2 + (-0.1 + 1 / 6) ** 2) / 2)
    assert new.gap.mean == pytest.approx(-1 / 6)
    assert new.gap.low == pytest.approx(-1 / 6 - T3 * spread / math.sqrt(3))
    assert new.gap.excludes(0) == (T3 * spread / math.sqrt(3) < 1 / 6)
    assert new.folds["b"].mean == pytest.approx(1.6 / 3)
    assert new.seeds == pytest.approx({0: 0.3, 1: 0.4, 2: 0.6})


def test_folds_weigh_alike_whatever_their_number_of_agents():
    summary = summarise([record("ref", "a", 0, 1.0, n=10), record("ref", "b", 0, 3.0, n=1000)])
    assert summary.lines[0].scores[ADE].mean.mean == 2.0


def test_a_seed_counts_once_it_has_all_folds_and_pairs_need_both_rows():
    some = [one for one in two_rows() if (one.row, one.fold, one.seed) not in (("new_1", "b", 2), ("ref", "a", 0))]
    summary = summarise(some)
    ref, new = (line.scores[ADE] for line in summary.lines)
    assert (ref.mean.n, new.mean.n) == (2, 2)
    assert new.gap
    assert new.gap.n == 1
    assert new.gap.mean == pytest.approx(-0.2)
    assert not new.gap.excludes(0)
    assert comparison(summary).rows[1][-1].text == "−0.200 (n = 1)"


def test_one_seed_has_no_interval():
    one = over_seeds([0.3])
    assert (one.mean, one.n) == (0.3, 1)
    assert math.isnan(one.low)
    assert over_seeds([]).n == 0


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [over_seeds(rng.normal(1.0, 0.2, 3)) for _ in range(2000)]
    assert 0.935 < np.mean([i.low <= 1.0 <= i.high for i in found]) < 0.965


def test_tables_say_the_numbers():
    summary = summarise(two_rows())
    rows = [[cell.text for cell in row] for row in comparison(summary).rows]
    assert rows[0] == ["ref (reference)", "3", "0.600 [0.352, 0.848]", ""]
    assert rows[1] == ["new_1", "3", "0.433 [0.054, 0.813]", "−0.167 [−0.310, −0.023]"]
    assert comparison(summary).rows[1][-1].bold
    folds = [[cell.text for cell in row] for row in by_fold(summary).rows]
    assert folds[0] == ["ref (reference)", "0.500", "0.700", "0.600 [0.352, 0.848]"]
    assert folds[-1] == ["scored", "50", "50", ""]
    text = markdown(summary.title, tables(summary))
    assert "| new_1 | 3 | 0.433 [0.054, 0.813] | **−0.167 [−0.310, −0.023]** |" in text
    tex = latex(summary.title, tables(summary))
    assert r"new\_1 & 3 & 0.433 {[}0.054, 0.813] & \textbf{$-$0.167 {[}$-$0.310, $-$0.023]} \\" in tex
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 2


def test_a_baseline_has_no_interval_of_seeds():
    fixed = [record("constant velocity", f, s, 0.9, policy="constant velocity") for f in "ab" for s in range(3)]
    rows = comparison(summarise([*two_rows(), *fixed])).rows
    assert [cell.text for cell in rows[2]][:3] == ["constant velocity", "–", "0.900"]
    assert rows[2][3].text.startswith("+0.300 [")


def test_the_csv_is_all_that_is_needed(tmp_path):
    grid, toy = toy_grid(tmp_path), Toy()
    for cell in grid.cells:
        run_cell(cell, toy.train, toy.evaluate)
    path = tmp_path / "results" / "toy.csv"
    records = collect(grid, grid.cells)
    assert len(records) == 8 + 4
    assert [r.row for r in records] == ["one"] * 4 + ["two, more"] * 4 + ["constant velocity"] * 4
    write_records(path, records)
    assert read_records(path) == records
    publish(path)
    before = {suffix: path.with_suffix(suffix).read_bytes() for suffix in (".md", ".tex", ".png")}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(path, elsewhere)
    shutil.rmtree(tmp_path / "runs")
    publish(elsewhere / "toy.csv")
    assert {suffix: (elsewhere / "toy").with_suffix(suffix).read_bytes() for suffix in before} == before
    assert "+0.100" in before[".md"].decode()


def test_all_of_a_folder_is_renewed(tmp_path, monkeypatch, capsys):
    write_records(tmp_path / "toy.csv", two_rows())
    monkeypatch.setattr("sys.argv", ["publish", str(tmp_path)])
    module.main()
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".md", ".tex", ".png"}
    monkeypatch.setattr("sys.argv", ["publish", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit):
        module.main()
    assert "no CSV in" in capsys.readouterr().err


def test_a_curve_has_a_line_for_each_name():
    points = [
        record(f"{line} {x}", "", seed, 1 / x + seed, x=x, line=line, x_label="labels", reference="ours 0.1")
        for line in ("ours", "theirs")
        for x in (0.1, 1.0)
        for seed in range(2)
    ]
    level = [record("constant velocity", "", seed, 3.0, policy="constant velocity") for seed in range(2)]
    axes = draw(summarise([*points, *level])).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "labels"
    drawn = {line.get_label(): line for line in axes.lines}
    assert set(drawn) == {"ours", "theirs", "constant velocity"}
    assert list(drawn["ours"].get_xdata()) == [0.1, 1.0]
    assert list(drawn["ours"].get_ydata()) == pytest.approx([10.5, 1.5])


def test_a_figure_of_dots_marks_the_reference():
    axes = draw(summarise(two_rows())).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["ref", "new_1"]
    upright = [line for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert list(upright[0].get_xdata()) == pytest.approx([0.6, 0.6])


def test_bad_files_are_refused_with_their_line(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("row,value\na,1\n")
    with pytest.raises(ValueError, match=r"bad\.csv lacks the columns title"):
        read_records(path)
    write_records(path, two_rows())
    path.write_text(path.read_text().replace(",0.5,", ",half,", 1))
    with pytest.raises(ValueError, match=r"bad\.csv, line 3: could not convert"):
        read_records(path)
    with pytest.raises(ValueError, match="is there twice"):
        summarise([*two_rows(), *two_rows()])


def test_a_baseline_may_lack_a_metric(tmp_path):
    grid, toy = toy_grid(tmp_path, metrics=["ade", "min_ade"]), Toy()
    for cell in grid.cells:
        run_cell(cell, toy.train, toy.evaluate)
        scores = read_results(cell.folder)["forecast"]["jepa"]
        merge_scores(cell.folder, "forecast", {"jepa": scores | {"min_ade": scores["ade"]}})
    rows = comparison(summarise(collect(grid, grid.cells))).rows
    assert [cell.text for cell in rows[-1][-2:]] == ["–", "–"]
    assert rows[-1][2].text == "9.000"


def test_rows_other_than_the_reference_may_lack_metrics_and_suites(tmp_path):
    """As models do that have too few intents, and rows that are not scored on every suite."""
    grid, toy = toy_grid(tmp_path, metrics=["ade", "ade_20", "lost.ade"]), Toy()
    for cell in grid.cells:
        run_cell(cell, toy.train, toy.evaluate)
        if cell.row.name == grid.reference:
            scores = read_results(cell.folder)["forecast"]["jepa"]
            merge_scores(cell.folder, "forecast", {"jepa": scores | {"ade_20": scores["ade"]}})
            merge_scores(cell.folder, "lost", {"jepa": scores})
    summary = summarise(collect(grid, grid.cells))
    reference, other = ([cell.text for cell in row] for row in comparison(summary).rows[:2])
    assert "–" not in reference
    header = comparison(summary).header
    assert [header[i] for i in (2, 4, 6)] == ["forecast ADE ↓ m", "minADE20 ↓ m", "lost ADE ↓ m"]
    assert other[2] != "–"
    assert other[4:] == ["–"] * 4
    draw(summary)


def test_a_metric_that_is_not_there_is_named(tmp_path):
    grid, toy = toy_grid(tmp_path, metrics=["adde"]), Toy()
    run_cell(grid.cells[0], toy.train, toy.evaluate)
    with pytest.raises(KeyError, match="has no adde of `jepa`"):
        collect(grid, grid.cells[:1])
    with pytest.raises(KeyError, match="has no ade of `straight line`"):
        collect(toy_grid(tmp_path, baselines=["straight line"]), grid.cells[:1])
    grid = toy_grid(tmp_path, metrics=["crowd.success"])
    with pytest.raises(KeyError, match=r"no suite crowd: name it in ablation\.suites"):
        collect(grid, grid.cells[:1])
