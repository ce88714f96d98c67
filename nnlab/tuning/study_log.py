"""`study.log`, the journal of Optuna's storage: one record per line, each checked before Optuna replays it.

Optuna takes the records as they come: an index that is a text is a TypeError in the middle of its code, and a record
about a trial that does not exist is passed over. Here each must have the keys and types of its kind, be about a study
or a trial that was created before it, and give parameters values of their distributions.
"""

from __future__ import annotations

import errno
import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._file import BaseJournalFileLock, get_lock_file
from optuna.trial import TrialState

from nnlab.check import Matches, Range
from nnlab.errors import UserError
from nnlab.json_text import read_json
from nnlab.runs.files import open_binary
from nnlab.runs.opening import open_descriptor
from nnlab.tuning.trials import ASKED, OUTCOME, TAKEN, Asked, Outcome, Taken
from nnlab.typed import FILLED, NOT_FINITE_TOO, ByName, Fields, MalformedError, typed

LARGEST = 2**30
"""Bytes of a journal: millions of records, which Optuna would take minutes to replay."""

Id = Annotated[int, Range(ge=0)]
Number = Annotated[float, NOT_FINITE_TOO]
Numbers = list[Number] | None
Moment = Annotated[str, Matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", "a time in UTC")]
State = Annotated[int, Range(ge=0, le=4)]
Step = Annotated[str, Matches(r"\d{1,18}", "a whole number")]
Attributes = dict[str, Any]

ANY = {"op_code": int, "worker_id": str}
OF_STUDY = {**ANY, "study_id": Id}
OF_TRIAL = {**ANY, "trial_id": Id}
CREATE_STUDY, CREATE_TRIAL, SET_PARAMETER = 0, 4, 5
RECORDS = {
    CREATE_STUDY: Fields({**ANY, "study_name": str, "directions": Annotated[list[Literal[1, 2]], FILLED]}),
    1: Fields(OF_STUDY),
    2: Fields({**OF_STUDY, "user_attr": Annotated[Attributes, FILLED]}),
    3: Fields({**OF_STUDY, "system_attr": Annotated[Attributes, FILLED]}),
    CREATE_TRIAL: Fields(
        {**OF_STUDY, "datetime_start": Moment | None},
        {
            "datetime_complete": Moment,
            "state": State,
            "value": Number | None,
            "values": Numbers,
            "distributions": dict[str, str],
            "params": dict[str, Number],
            "intermediate_values": dict[Step, Number],
            "user_attrs": Attributes,
            "system_attrs": Attributes,
        },
    ),
    SET_PARAMETER: Fields({**OF_TRIAL, "param_name": str, "param_value_internal": Number, "distribution": str}),
    6: Fields({**OF_TRIAL, "state": State, "values": Numbers}, {"datetime_start": Moment, "datetime_complete": Moment}),
    7: Fields({**OF_TRIAL, "step": Id, "intermediate_value": Number}),
    8: Fields({**OF_TRIAL, "user_attr": Annotated[Attributes, FILLED]}),
    9: Fields({**OF_TRIAL, "system_attr": Annotated[Attributes, FILLED]}),
}
"""What Optuna writes, by its numbers for that."""
AnyRecord = Annotated[dict[str, Any], ByName("op_code", RECORDS)]

Choice = None | bool | int | float | str
DISTRIBUTIONS = {
    "FloatDistribution": Fields({"low": float, "high": float, "log": bool, "step": float | None}),
    "IntDistribution": Fields({"low": int, "high": int, "log": bool, "step": int}),
    "CategoricalDistribution": Fields({"choices": Annotated[list[Choice], FILLED]}),
}
AnyDistribution = Annotated[
    dict[str, Any],
    ByName("name", {name: Fields({"name": str, "attributes": shape}) for name, shape in DISTRIBUTIONS.items()}),
]


class StudyLog(BaseJournalBackend):
    """The file, for Optuna's `JournalStorage`. The methods raise OSError if it cannot be read or written.

    Args:
        path: absolute; a missing file has no records.
        lock: around each writing; None is for a reader who may not write: another user, or one of a read-only disk.
    """

    def __init__(self, path: Path, lock: BaseJournalFileLock | None) -> None:
        self._path = path
        self._lock = lock
        self._start()

    def _start(self) -> None:
        self._read, self._offset = 0, 0
        self._studies: list[dict[str, Any]] = []
        self._trials: list[int] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The records from a number on; an unfinished last line is left for the next writer to cut off.

        Raises:
            UserError: at a line that is no record, or one of something that does not exist.
        """
        if log_number_from < self._read:
            self._start()
        try:
            with open_binary(self._path) as file:
                left = os.fstat(file.fileno()).st_size - self._offset
                if left > LARGEST:
                    raise damaged(self._path, f"it has more than {LARGEST:,} bytes")
                file.seek(self._offset)
                data = file.read(max(0, left))
        except FileNotFoundError:  # the study was killed before its first record
            return
        for line in data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]:
            try:
                record = self._checked(line)
            except MalformedError as error:
                raise damaged(self._path, f"it holds {line[:80]!r}: {error}") from error
            self._read, self._offset = self._read + 1, self._offset + len(line) + 1
            if self._read > log_number_from:
                yield record

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add records, on the disk when this returns.

        Raises:
            KeyError: if one is about what does not exist. Nothing is written then: no reader would take it.
        """
        if self._lock is None:
            raise PermissionError(errno.EPERM, "it was opened for reading alone", str(self._path))
        for log in logs:
            if not self._is_known(log):
                list(self.read_logs(self._read))  # another process may have created it
                if not self._is_known(log):
                    raise KeyError(f"No such study or trial: {log}")
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        flags = os.O_WRONLY | os.O_APPEND
        with get_lock_file(self._lock), os.fdopen(open_descriptor(self._path, flags), "ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _checked(self, line: bytes) -> dict[str, Any]:
        record: dict[str, Any] = read_json(line, AnyRecord, not_finite_too=True)
        kind = record["op_code"]
        if kind == CREATE_STUDY:
            # The name decides: a study that is created twice, by two processes, is created once.
            if all(study["study_name"] != record["study_name"] for study in self._studies):
                self._studies.append(record)
        elif "study_id" in record:
            self._check_known("study", record["study_id"], self._studies)
        else:
            self._check_known("trial", record["trial_id"], self._trials)
        _check_attributes(record.get("user_attr", record.get("user_attrs", {})))
        if kind == CREATE_TRIAL:
            self._trials.append(record["study_id"])
            _check_parameters(record.get("params", {}), record.get("distributions", {}))
        elif kind == SET_PARAMETER:
            _check_parameters({"": record["param_value_internal"]}, {"": record["distribution"]})
        if record.get("state") == TrialState.COMPLETE:
            study = record["study_id"] if kind == CREATE_TRIAL else self._trials[record["trial_id"]]
            values = record.get("values") or [value for value in (record.get("value"),) if value is not None]
            if len(values) != len(self._studies[study]["directions"]):
                raise MalformedError("a complete trial must have a value for each objective")
        return record

    def _is_known(self, log: Mapping[str, Any]) -> bool:
        """Whether the study or trial that a record is about was created before it."""
        study, trial = int(log.get("study_id", -1)), int(log.get("trial_id", -1))
        return study < len(self._studies) and trial < len(self._trials)

    @staticmethod
    def _check_known(what: str, number: int, known: list[Any]) -> None:
        if number >= len(known):
            raise MalformedError(f"it is about {what} {number}, but only {len(known)} were created before it")


def damaged(path: Path, fault: str) -> UserError:
    """What to raise for a journal that is not as nnlab and Optuna wrote it."""
    return UserError(
        f"Each line of a study's journal must be one of Optuna's records, but {path} is damaged: {fault}. "
        "Something other than nnlab changed the file: restore it."
    )


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    """Those that nnlab stores with a trial."""
    for name, shape in ((ASKED, Asked), (OUTCOME, Outcome), (TAKEN, Taken)):
        if name in attributes:
            typed(shape, attributes[name])


def _check_parameters(params: Mapping[str, float], distributions: Mapping[str, str]) -> None:
    if params.keys() != distributions.keys():
        raise MalformedError("each parameter must have a distribution")
    for name, value in params.items():
        if not _distribution(distributions[name])._contains(value):
            raise MalformedError(f"parameter {name!r} must be of its distribution, but is {value}")


@functools.lru_cache(maxsize=1024)  # the same few for every trial
def _distribution(text: str) -> BaseDistribution:
    read_json(text.encode(), AnyDistribution)
    try:
        return json_to_distribution(text)
    except ValueError as error:
        raise MalformedError(f"a distribution is not valid ({error})") from None
