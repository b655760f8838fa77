"""What the entry points say to somebody who has not said enough."""

import importlib
import sys

import pytest

import jepa_social.ablate
from tests.stages.runs import CONFIGS, composed


@pytest.fixture
def said(monkeypatch):
    """Call an entry point as on its command line; what it ended with."""

    def call(main, *args: str) -> object:
        monkeypatch.setattr(sys, "argv", [main.__module__, *args])
        try:
            main()
        except SystemExit as end:
            return end.code
        return None

    return call


def test_a_bench_without_an_ablation_names_them(said):
    text = said(jepa_social.ablate.main)
    assert "ablation=" in text
    for path in (CONFIGS / "bench" / "ablation").glob("*.yaml"):
        assert path.stem in text


def test_a_bench_can_be_asked_for_help(said, capsys):
    assert not said(jepa_social.ablate.main, "--help")
    told = capsys.readouterr()
    assert "ablation: architecture" in told.out
    assert not told.err


@pytest.mark.parametrize(
    ("module", "config"), [("eval", "eval"), ("jepa_social.evaluation.gallery.__main__", "gallery")]
)
def test_without_a_run_those_that_there_are_are_named(module, config, tmp_path, monkeypatch):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"run=… .* is missing: .* such as pretrained, runs/mine$"):
        importlib.import_module(module).main(composed(config))
