"""nnlab's own files, damaged in every way: what is read is what the file says, or one message says what is wrong."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from faults.fuzzing import fuzz
from faults.promise import Promise, Work
from faults.read_right import (
    fault_in_fields,
    fault_in_journal,
    fault_in_json,
    fault_in_model,
    fault_in_predictions,
    fault_in_trial,
    fault_in_yaml,
    whole_lines,
)
from faults.reader_samples import run_in, study_in
from nnlab.mlflow_sync.state import SyncState
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, load_model
from nnlab.runs.directory import CONFIG, JOURNAL, MLFLOW, MODEL, OVERRIDES, PREDICTIONS, PROVENANCE
from nnlab.runs.predictions_file import stored_predictions
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import WEIGHTS_TAG

ROUNDS, SAMPLE = 100_000, 3000
MEMORY = Path("/dev/shm")
"""Where files are, if it is there: on a disk, cutting one to its new size takes milliseconds."""

FaultIn = Callable[[bytes, Any], str]


def _fuzz(
    work: Work, path: Path, kind: str, read: Callable[[], object], fault_in: FaultIn, named: str | None = None
) -> str:
    """Damage the file at `path`, and read it by way of the file system, as every command does."""
    with path.open("r+b", buffering=0) as file:
        sample = file.read()

        def written(data: bytes) -> object:
            file.seek(0)
            file.write(data)
            file.truncate()
            return read()

        named = named or str(path.parent)
        return fuzz(written, [sample], work.rounds, work.random, kind=kind, fault_in=fault_in, named=named)


def _journal(work: Work) -> str:
    path = run_in(work.folder)
    return _fuzz(work, path / JOURNAL, "json lines", lambda: StoredRun.open(path), fault_in_journal)


def _of_run(name: str, kind: str, attribute: str, fault_in: FaultIn) -> Callable[[Work], str]:
    def damage(work: Work) -> str:
        run = StoredRun.open(run_in(work.folder))

        def read() -> object:
            run.__dict__.pop(attribute, None)  # or it would be what was read before
            return getattr(run, attribute)

        return _fuzz(work, run.path / name, kind, read, fault_in)

    return damage


def _sync_state(work: Work) -> str:
    path = run_in(work.folder)
    return _fuzz(work, path / MLFLOW, "json", lambda: SyncState.of(path), fault_in_fields)


def _manifest(work: Work) -> str:
    from nnlab.tuning.manifest import FILE, Manifest

    path = study_in(work.folder)
    return _fuzz(work, path / FILE, "json", lambda: Manifest.read(path), fault_in_fields)


def _study_log(work: Work) -> str:
    from nnlab.tuning.storage import JOURNAL_FILE, open_storage
    from nnlab.tuning.trials import Asked, Outcome

    log = study_in(work.folder) / JOURNAL_FILE

    def read() -> list[Any]:
        storage = open_storage(None, log)
        studies = storage.get_all_studies()
        trials = [trial for study in studies for trial in storage.get_all_trials(study._study_id, deepcopy=False)]
        return [(trial, Asked.of(trial), Outcome.of(trial)) for trial in trials]

    records, trials = list(map(json.loads, whole_lines(log.read_bytes()))), read()

    def fault_in(data: bytes, found: list[Any]) -> str:
        if list(map(json.loads, whole_lines(data))) == records and found != trials:
            return "the same records make other trials"
        return "; ".join(filter(None, (fault_in_trial(*each) for each in found)))

    return _fuzz(work, log, "json lines", read, fault_in, named="study")


def _architecture(work: Work) -> str:
    folder = run_in(work.folder) / MODEL
    return _fuzz(
        work,
        folder / ARCHITECTURE,
        "json",
        lambda: load_model(folder / ARCHITECTURE, folder / WEIGHTS),
        lambda data, model: fault_in_model(json.loads(data), model),
    )


def _weights(work: Work) -> str:
    """With the SHA-256 of the damaged file in the architecture: else all would be refused for that alone."""
    folder = run_in(work.folder) / MODEL
    fields = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))

    def read() -> object:
        fields["weights"]["sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
        (folder / ARCHITECTURE).write_text(json.dumps(fields), encoding="utf-8")
        return load_model(folder / ARCHITECTURE, folder / WEIGHTS)

    return _fuzz(work, folder / WEIGHTS, "safetensors", read, lambda data, model: fault_in_model(fields, model))


def _predictions(work: Work) -> str:
    run = StoredRun.open(run_in(work.folder))
    return _fuzz(
        work,
        run.path / PREDICTIONS,
        "safetensors",
        lambda: stored_predictions(run),
        lambda data, found: fault_in_predictions(data, found, run.tags[WEIGHTS_TAG]),
    )


def _promise(name: str, file: str, do: Callable[[Work], str]) -> Promise:
    def in_memory(work: Work) -> str:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else work.folder) as folder:
            return do(replace(work, folder=Path(folder)))

    promise = f"A damaged `{file}` is read as what it says, or refused with one message."
    fault = "Bits, bytes, lines and values changed, missing, doubled, of another type, huge or deeply nested."
    return Promise(f"damaged-{name}", promise, fault, ROUNDS, SAMPLE, in_memory)


PROMISES = (
    _promise("journal", JOURNAL, _journal),
    _promise("config", CONFIG, _of_run(CONFIG, "yaml", "config", fault_in_yaml)),
    _promise("overrides", OVERRIDES, _of_run(OVERRIDES, "yaml", "overrides", fault_in_yaml)),
    _promise("provenance", PROVENANCE, _of_run(PROVENANCE, "json", "provenance", fault_in_json)),
    _promise("sync-state", MLFLOW, _sync_state),
    _promise("manifest", "study.json", _manifest),
    _promise("study-log", "study.log", _study_log),
    _promise("architecture", f"{MODEL}/{ARCHITECTURE}", _architecture),
    _promise("weights", f"{MODEL}/{WEIGHTS}", _weights),
    _promise("predictions", PREDICTIONS, _predictions),
)
