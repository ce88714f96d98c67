"""How often test splits were evaluated, against the journals of real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.experiment import evaluations_of
from experiments.report import evaluations_text
from nnlab.batch import compose, run_all
from nnlab.results import results


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_evaluations_are_counted_in_the_journals(tmp_path: Path) -> None:
    small = ("data.limit=50", "model.hidden=[4]", "trainer.epochs=1", "tracking.enabled=false", "tracking.plots=false")
    asked = [
        ("data=digits", "trainer.test=true"),
        ("data=digits", "trainer.test=false"),
        ("data=digits", "trainer.test=true", "data.split.pooled=true"),
        ("data=digits", "trainer.test=true", "seed=1"),
    ]
    directories = run_all([compose(*small, f"runs_dir='{tmp_path}'", *each) for each in asked], workers=1)
    evaluations = evaluations_of(results(directories), {"digits": 5})
    journals = [(path / "metrics.jsonl").read_text(encoding="utf-8").splitlines() for path in directories]
    tests = sum(json.loads(line)["event"] == "test" for lines in journals for line in lines)
    assert sum(evaluations.values()) == tests + 5 == 8
    assert evaluations["digits"] == 7
    assert evaluations_of(results(directories[1:2]), {}) == {}


def test_evaluations_of_experiments_add_up() -> None:
    assert "3 times on a" in evaluations_text([{"a": 1}, {"a": 2, "b": 1}])
    assert "1 time on b" in evaluations_text([{"a": 1}, {"a": 2, "b": 1}])
    assert evaluations_text([{}]) == "no test split was evaluated"
