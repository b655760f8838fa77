"""Grids: every combination once, in an order that compares early, with settings that compose."""

import re
import shlex

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from jepa_social.bench.cells import ROOT, suite_configs, training_config
from jepa_social.bench.grid import expand
from jepa_social.models.jepa import ModelConfig
from tests.bench.grids import bench_config, toy_config, toy_grid
from tests.stages.runs import CONFIGS

ABLATIONS = sorted(path.stem for path in (CONFIGS / "bench" / "ablation").glob("*.yaml"))
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_combination_once_and_all_rows_of_the_first_seed_first(tmp_path):
    cells = toy_grid(tmp_path).cells
    found = [(cell.seed, cell.fold, cell.row.name) for cell in cells]
    assert found == [(s, f, r) for s in (0, 1) for f in ("5", "6") for r in ("one", "two, more")]
    assert [cell.index for cell in cells] == list(range(8))
    assert len({cell.folder for cell in cells}) == 8
    assert cells[1].folder == tmp_path / "runs" / "toy" / "two_more" / "5_0"


def test_a_cell_is_the_base_with_its_fold_row_and_seed(tmp_path):
    cell = toy_grid(tmp_path).cells[-1]
    config = training_config(cell)
    assert (config.name, config.model.depth, config.data.source.seed, config.seed) == ("crowd", 2, 6, 1)
    assert config.run == str(cell.folder)
    assert config.trainer.devices == 1
    (suite,) = suite_configs(cell)
    assert (suite.suite.name, suite.run) == ("forecast", str(cell.folder))


def test_what_is_said_for_all_cells_gives_way_to_the_rows(tmp_path):
    config = toy_config(tmp_path)
    config.train = ["model.depth=7", "model.width=16"]
    model = training_config(expand(config).cells[0]).model
    assert (model.depth, model.width) == (1, 16)


def test_a_grid_without_folds(tmp_path):
    cells = toy_grid(tmp_path, folds=[], axis=None).cells
    assert [(cell.fold, cell.folder.name) for cell in cells] == [("", "0"), ("", "0"), ("", "1"), ("", "1")]


def test_rows_of_a_curve(tmp_path):
    rows = {"a few": {"overrides": ["model.depth=1"], "x": 0.1, "line": "ours"}, "plain": ["model.depth=2"]}
    first, second = (cell.row for cell in toy_grid(tmp_path, rows=rows).cells[:2])
    assert (first.x, first.line, first.overrides) == (0.1, "ours", ("model.depth=1",))
    assert (second.x, second.line) == (None, "")


def test_a_row_may_have_suites_of_its_own(tmp_path):
    rows = {"plain": [], "lost": {"overrides": ["model.depth=2"], "suites": [["suite=forecast", "suite.drop=0.5"]]}}
    config = toy_config(tmp_path, rows=rows)
    config.eval = ["suite.split=val"]
    plain, lost = expand(config).cells[:2]
    assert plain.suites == (("suite=forecast", "suite.split=val"),)
    assert lost.suites == (*plain.suites, ("suite=forecast", "suite.drop=0.5", "suite.split=val"))
    assert [one.suite.drop for one in suite_configs(lost)] == [0.0, 0.5]


def test_overrides_refer_to_the_bench_or_to_the_run(tmp_path):
    rows = {"shared": [r"pretrain.folder=${runs}/toy/pretrain/\${data.source.seed}_\${seed}"]}
    for cell in toy_grid(tmp_path, rows=rows).cells:
        folder = training_config(cell).pretrain.folder
        assert folder == f"{tmp_path}/runs/toy/pretrain/{cell.fold}_{cell.seed}"


def test_shares_of_labels_share_one_pretraining():
    config = bench_config("ablation=labels", "runs=elsewhere")
    folders: dict[str, set[str]] = {}
    for cell in expand(config).cells:
        if cell.fold == "hotel" and cell.seed == 1:
            folders.setdefault(cell.row.line, set()).add(training_config(cell).pretrain.folder)
    assert folders["ema"] == {"elsewhere/labels/pretrain/hotel_1"}
    assert len(folders["supervised"]) > 1


def test_some_rows_alone(tmp_path):
    config = toy_config(tmp_path)
    config.rows = ["two, more"]
    cells = expand(config).cells
    assert [(cell.index, cell.row.name, cell.fold) for cell in cells[:2]] == [
        (0, "two, more", "5"),
        (1, "two, more", "6"),
    ]
    config.rows = ["three"]
    with pytest.raises(ValueError, match=r"rows=\['three'\]: ablation\.rows has only one, two, more"):
        expand(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": {}}, r"ablation\.rows is empty"),
        ({"seeds": []}, r"ablation\.seeds is empty"),
        ({"reference": "three"}, "none of the rows: one, two, more"),
        ({"axis": None}, r"ablation\.folds needs ablation\.axis"),
        ({"rows": {"a b": [], "a/b": []}}, "share the folder a_b"),
    ],
)
def test_a_faulty_grid_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        toy_grid(tmp_path, **changes)


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_says_what_can_be_trained_and_scored(name):
    grid = expand(bench_config(f"ablation={name}"))
    assert grid.name == name, "its results are looked for under its own name"
    rows = {}
    for cell in grid.cells:
        if cell.seed == grid.cells[0].seed and cell.fold in (grid.cells[0].fold, grid.cells[-1].fold):
            config = training_config(cell)
            ModelConfig.of(config.model)
            instantiate(config.objective)
            suite_configs(cell)
            settings = OmegaConf.to_container(config, resolve=True)
            settings = {key: value for key, value in settings.items() if key not in ("run", "name")}
            rows.setdefault(cell.fold, {})[cell.row.name] = settings
    for settings in rows.values():
        values = list(settings.values())
        assert all(one not in values[:i] for i, one in enumerate(values)), "two rows are the same"


def test_the_table_goes_by_the_name_of_an_experiment():
    assert bench_config("experiment=eth_ucy_table").ablation == bench_config("ablation=eth_ucy_table").ablation


def test_commands_of_the_documents_are_valid():
    for path in DOCUMENTS:
        text = path.read_text().replace("\\\n", " ")
        for found in re.findall(r"python -m jepa_social\.ablate((?: +[^\s`)|]+)*)", text):
            bench_config(*(arg for arg in shlex.split(found, comments=True) if not arg.startswith("hydra")))
