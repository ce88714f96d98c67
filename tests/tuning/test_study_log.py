"""Each record of `study.log` is checked before Optuna replays it; `faults/readers.py` tries 100,000 kinds of damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sweeping import finished, journal_storage, run_one, study_in, sweep_settings

from nnlab.errors import UserError
from nnlab.tuning.storage import JOURNAL_FILE, open_storage, read_storage
from nnlab.tuning.trials import ASKED, OUTCOME, Asked, Outcome

CREATE, ATTRIBUTE, STATE = 1, 2, 3  # the lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A study with one trial that is finished."""
    storage = journal_storage(tmp_path)
    run_one(study_in(storage, sweep_settings()), storage, finished)
    return tmp_path / JOURNAL_FILE


def test_reading_alone_gives_the_same_trials_and_leaves_no_trace(log: Path) -> None:
    before = sorted(log.parent.iterdir()), log.read_bytes()
    (trial,), (same,) = (storage.get_all_trials(0) for storage in (read_storage(log), open_storage(None, log)))
    assert trial == same
    assert Outcome.of(trial) == finished(trial)
    with pytest.raises(PermissionError):
        read_storage(log).set_study_user_attr(0, "a", 1)
    assert (sorted(log.parent.iterdir()), log.read_bytes()) == before


def test_a_missing_journal_has_no_studies(tmp_path: Path) -> None:
    assert read_storage(tmp_path / JOURNAL_FILE).get_all_studies() == []


def in_attribute(name: str, key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda record: (record.get("user_attr") or record["user_attrs"])[name].update({key: value})


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (0, lambda record: record.update(op_code=99)),
        (0, lambda record: record.update(op_code="0")),
        (0, lambda record: record.update(directions=[7])),
        (0, lambda record: record.update(of="a later version")),
        (CREATE, lambda record: record.update(study_id=1)),
        (CREATE, lambda record: record.update(study_id=True)),
        (CREATE, lambda record: record.update(datetime_start="yesterday")),
        (CREATE, lambda record: record.update(state=1)),
        (CREATE, lambda record: record["params"].popitem()),
        (CREATE, lambda record: record["params"].update(dict.fromkeys(record["params"], 1e9))),
        (CREATE, lambda record: record["params"].update(dict.fromkeys(record["params"], "1"))),
        (CREATE, lambda record: record["distributions"].update(dict.fromkeys(record["params"], '{"name": "x"}'))),
        (CREATE, in_attribute(ASKED, "seeds", ["1"])),
        (CREATE, in_attribute(ASKED, "batch", [1])),
        (ATTRIBUTE, in_attribute(OUTCOME, "status", "done")),
        (ATTRIBUTE, in_attribute(OUTCOME, "scores", {"val/loss": None})),
        (ATTRIBUTE, lambda record: record.update(trial_id=3)),
        (ATTRIBUTE, lambda record: record.update(user_attr={})),
        (STATE, lambda record: record.update(values=None)),
        (STATE, lambda record: record.update(values=[1.0, 2.0])),
        (STATE, lambda record: record.pop("datetime_complete")),
    ],
)
def test_a_record_of_other_types_or_of_nothing_is_refused(line: int, change: Callable[..., object], log: Path) -> None:
    records = [json.loads(text) for text in log.read_bytes().splitlines()]
    change(records[line])
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(UserError, match=r"study\.log is damaged: .* restore it"):
        open_storage(None, log)
    with pytest.raises(UserError, match=r"study\.log is damaged: .* restore it"):
        read_storage(log)


def test_a_trial_of_somebody_else_is_named_when_nnlab_asks_what_it_is(log: Path) -> None:
    record = json.loads(log.read_bytes().splitlines()[CREATE])
    record["user_attrs"] = {}
    with log.open("a") as file:
        file.write(json.dumps(record) + "\n")
    (_, trial) = open_storage(None, log).get_all_trials(0)
    with pytest.raises(UserError, match="trial 1 is damaged"):
        Asked.of(trial)
