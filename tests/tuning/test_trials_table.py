from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator

import pandas as pd
import pytest
from trial_samples import make_trial

from nnlab.tuning.report.trials_table import trials_table

LOSS = ("val/loss",)
PARAMS = {"model.depth": 2, "model.width.0": 64, "model.width.1": 32, "optimizer.lr": 0.1 + 0.2}


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_a_row_and_a_header_by_hand() -> None:
    trial = make_trial(
        7, [0.25], params=PARAMS, scores={"val/loss": 0.25, "val/accuracy": 0.9}, std={"val/loss": 0.01}, seeds=[5, 6]
    )
    assert trials_table([trial], LOSS).splitlines() == [
        "number,state,status,reason,objective val/loss,val/accuracy,val/loss,val/loss std,epochs,epoch,seconds,"
        "parameters,seeds,duplicate_of,runs,code,started,ended,"
        "model.depth,model.hidden,model.width.0,model.width.1,optimizer.lr",
        "7,COMPLETE,finished,,0.25,0.9,0.25,0.01,3,3,1.5,1000,5 6,,study-0007,,"
        "2026-03-01T03:01:10+00:00,2026-03-01T03:01:18+00:00,"
        '2,"[64, 32]",64,32,0.30000000000000004',
    ]


def test_what_pandas_reads_back_is_what_the_trials_say() -> None:
    reason = 'it said "no",\nthen stopped; naïve'
    trials = [
        make_trial(2, status=None),
        make_trial(1, status="failed", reason=reason),
        make_trial(0, [1 / 3], params=PARAMS),
        make_trial(3, [0.7], status="pruned", params={"optimizer": "sgd"}),
        make_trial(4, [1 / 3], params=PARAMS, duplicate_of=0),
        make_trial(5, [math.inf]),
    ]
    table = pd.read_csv(io.StringIO(trials_table(trials, LOSS)))
    assert table["number"].tolist() == [0, 1, 2, 3, 4, 5]
    assert table["status"].tolist() == ["finished", "failed", "running", "pruned", "finished", "finished"]
    assert table["state"].tolist() == ["COMPLETE", "FAIL", "RUNNING", "PRUNED", "COMPLETE", "COMPLETE"]
    assert table["objective val/loss"].fillna(-1).tolist() == [1 / 3, -1, -1, 0.7, 1 / 3, math.inf]
    assert table["reason"][1] == reason
    assert table["duplicate_of"].fillna(-1).tolist() == [-1, -1, -1, -1, 0, -1]
    assert table["optimizer.lr"].fillna(-1).tolist() == [0.1 + 0.2, 0.1, 0.1, -1, 0.1 + 0.2, 0.1]
    assert table["optimizer"].fillna("").tolist() == ["", "", "", "sgd", "", ""]
    assert table["model.hidden"].fillna("").tolist() == ["[64, 32]", "", "", "", "[64, 32]", ""]
    assert table["ended"].isna().tolist() == [False, False, True, False, False, False]


def test_two_objectives_have_a_column_each() -> None:
    text = trials_table([make_trial(0, [0.9, 1234.0], scores={"val/accuracy": 0.9})], ("val/accuracy", "parameters"))
    table = pd.read_csv(io.StringIO(text))
    assert table["objective val/accuracy"].tolist() == [0.9]
    assert table["objective parameters"].tolist() == [1234.0]


def test_the_order_in_which_trials_come_changes_no_byte() -> None:
    trials = [make_trial(number, [0.1 * number], params=PARAMS if number % 2 else None) for number in range(5)]
    assert trials_table(trials, LOSS) == trials_table(trials[::-1], LOSS)


def test_a_study_without_trials_has_a_header_alone() -> None:
    assert trials_table([], LOSS).splitlines() == [
        "number,state,status,reason,objective val/loss,epochs,epoch,seconds,parameters,seeds,duplicate_of,runs,"
        "code,started,ended"
    ]
