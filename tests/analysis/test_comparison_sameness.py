"""What is not the same is not taken for the same: data, an extension, the rows of two models, the way of a metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from runs_to_compare import a_run

from nnlab.analysis import compare
from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.metrics import lower_is_better
from nnlab.analysis.comparison.predicted import row_by_row
from nnlab.runs import predictions
from nnlab.runs.predictions import Predictions
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EXTENDED_TAG


def test_runs_of_other_data_and_extended_ones_are_groups_of_their_own(tmp_path: Path) -> None:
    run = a_run(tmp_path, 0)
    facts = StoredRun.open(run).provenance["dataset"]
    other = a_run(tmp_path, 1, provenance={"dataset": {**facts, "sha256": "ab" * 32}})
    longer = a_run(tmp_path, 2, tags={EXTENDED_TAG: "after epoch 1 to 2"})
    same = a_run(tmp_path, 3)
    assert [group.seeds for group in compare([run, other, longer, same], metric="seconds").groups] == [
        (0, 3),
        (1,),
        (2,),
    ]


def test_models_are_not_compared_row_by_row_on_other_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = (RunFacts.of(StoredRun.open(a_run(tmp_path, seed))) for seed in (0, 1))
    targets = {a.name: [0, 1, 0, 1], b.name: [0, 1, 1, 0]}
    monkeypatch.setattr(
        predictions,
        "predictions_of",
        lambda stored, split: Predictions(np.array(targets[stored.name]), np.array([0, 1, 0, 1])),
    )
    found, notes = row_by_row(a, b, "val/loss")
    assert found is None
    assert len(notes) == 1
    found, notes = row_by_row(a, a, "val/loss")
    assert found is not None
    assert not notes


@pytest.mark.parametrize(
    ("metric", "is_lower"),
    [("val/loss", True), ("val/accuracy", False), ("test/accuracy", False), ("train/accuracy", False), ("gap", None)],
)
def test_which_way_is_better(metric: str, is_lower: bool | None) -> None:
    assert lower_is_better(metric) is is_lower
