"""How often a run looks at its test split: rows that notice when they are read stand in for it."""

from __future__ import annotations

import dataclasses
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from nnlab.batch import compose
from nnlab.commands.run_console import RunConsole
from nnlab.core.rows import Rows
from nnlab.data.loading import dataset_of
from nnlab.execution.result import RunResult
from nnlab.execution.run import run
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, load_model

SMALL = ("data=digits", "data.limit=200", "model.hidden=[8]", "trainer.epochs=2", "tracking.enabled=false")
SHOWN = 12
"""Rows of the test split that a picture shows."""


class Watched(np.ndarray[Any, Any]):
    """An array that notes how many rows are taken out of it, each time."""

    reads: list[int]

    def take(self, ids: Any, *args: Any, **kwargs: Any) -> Any:
        self.reads.append(len(ids))
        return np.asarray(self).take(ids, *args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        taken = np.asarray(self)[key]
        self.reads.append(len(taken))
        return taken


def done(folder: Path, *overrides: str) -> tuple[RunResult, str, list[int]]:
    """A run's result, what it said, and how many rows of its test split were read, each time."""
    out, reads = StringIO(), list[int]()
    job = compose(*SMALL, f"runs_dir='{folder}'", *overrides)
    dataset = job.load()
    test = dataset.test
    x = test.x.view(Watched)
    x.reads = reads
    watched = dataclasses.replace(dataset, test=Rows(x, test.y, test.index, test.scaling))
    result = run(dataclasses.replace(job, dataset=watched), listeners=[RunConsole(out, out, live=False)])
    return result, out.getvalue(), reads


def test_a_run_with_pictures_passes_its_test_split_forward_once(tmp_path: Path) -> None:
    result, _, reads = done(tmp_path)
    assert len(list((result.directory / "plots").glob("*.png"))) == 5
    rows = len(dataset_of(compose(*SMALL).config.data, seed=0).test)
    assert [count for count in reads if count > SHOWN] == [rows]


@pytest.mark.parametrize("overrides", [("trainer.test=false",), ("trainer.test=false", "data.split.validation=0")])
def test_a_run_that_leaves_its_test_split_alone_reads_none_of_it(overrides: tuple[str, ...], tmp_path: Path) -> None:
    result, command, reads = done(tmp_path, *overrides)
    assert len(list((result.directory / "plots").glob("*.png"))) == 5
    assert reads == []
    assert not [name for name in result.scores if name.startswith("test/")]
    assert "trainer.test=false" in command


def test_the_pictures_are_of_the_predictions_that_were_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, Any] = {}

    def keep(folder: Path, **facts: Any) -> list[Path]:
        shown.update(facts)
        return []

    monkeypatch.setattr("nnlab.plots.run_pictures.draw_all", keep)
    result, *_ = done(tmp_path)
    model = load_model(result.directory / "model" / ARCHITECTURE, result.directory / "model" / WEIGHTS)
    rows = shown["shown"]
    np.testing.assert_array_equal(shown["outputs"], model.predict(rows.x[rows.index]))
    said = accuracy_score(rows.targets(), shown["outputs"].argmax(axis=1))
    assert said == pytest.approx(result.scores["test/accuracy"])
