"""How often a test split was evaluated in an experiment, by runs that were really made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from nnlab.batch import compose
from nnlab.execution.run import run
from nnlab.runs.evaluations import count_evaluations, evaluation_lines

SMALL = ("data.limit=100", "model.hidden=[4]", "trainer.epochs=1", "tracking.enabled=false", "tracking.plots=false")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five runs of one folder; the data, the experiment, and whether they are tested differ."""
    folder = tmp_path_factory.mktemp("runs")
    asked = [
        ("data=digits",),
        ("data=digits", "seed=1", "data.split.seed=3"),
        ("data=digits", "trainer.test=false"),
        ("data=digits", "tracking.experiment=another"),
        ("data=mnist_5k", "data.split.strategy=stratified"),
    ]
    return [run(compose(*SMALL, f"runs_dir='{folder}'", *overrides)).directory for overrides in asked]


def digest(path: Path) -> str:
    return str(json.loads((path / "provenance.json").read_text(encoding="utf-8"))["dataset"]["sha256"])


def test_evaluations_are_counted_by_data_and_experiment(runs: list[Path]) -> None:
    folder = runs[0].parent
    assert count_evaluations(folder, "nnlab", digest(runs[0])) == 2
    assert count_evaluations(folder, "another", digest(runs[0])) == 1
    assert count_evaluations(folder, "nnlab", digest(runs[4])) == 1
    assert count_evaluations(folder, "nobody's", digest(runs[0])) == 0


def test_each_experiment_and_data_set_is_reported_once(runs: list[Path]) -> None:
    lines = list(evaluation_lines([runs[0], runs[1], runs[3], runs[4]]))
    assert [("digits" in line, "2 times" in line, "'another'" in line) for line in lines] == [
        (True, True, False),
        (True, False, True),
        (False, False, False),
    ]
    assert list(evaluation_lines([])) == []


def test_what_is_no_run_is_not_counted(runs: list[Path]) -> None:
    folder = runs[0].parent
    for name, content in (("damaged", "{"), ("foreign", "[]"), ("other", '{"dataset": 3}')):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "metrics.jsonl").write_text('{"event": "test"}\n', encoding="utf-8")
        (folder / name / "provenance.json").write_text(content, encoding="utf-8")
    (folder / "trials").write_text("a file", encoding="utf-8")
    assert count_evaluations(folder, "nnlab", digest(runs[0])) == 2


def test_a_journal_larger_than_nnlab_reads_is_not_counted(runs: list[Path]) -> None:
    """Every run counts at its end, whatever lies in the folder: one journal of a terabyte ended all of them."""
    large = runs[0].parent / "large"
    shutil.copytree(runs[0], large)
    before = count_evaluations(large.parent, "nnlab", digest(large))
    os.truncate(large / "metrics.jsonl", 2**40)
    assert count_evaluations(large.parent, "nnlab", digest(large)) == before - 1
    shutil.rmtree(large)
