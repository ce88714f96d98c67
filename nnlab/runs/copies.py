"""A copy of a trial's run for another study: what was measured on the training and validation rows, and the model.

The copy does not say what the test split gave: whether its study evaluates it is that study's decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnlab.runs import journal
from nnlab.runs.code import diff_of
from nnlab.runs.directory import (
    CHECKPOINTS,
    JOURNAL,
    LOCK,
    MLFLOW,
    PLOTS,
    PREDICTIONS,
    PROVENANCE,
    RunDirectory,
)
from nnlab.runs.evaluations import TESTED
from nnlab.runs.files import is_file, is_folder, names_in, read_bytes, write_atomically
from nnlab.runs.predictions_file import stored_predictions, write_predictions
from nnlab.runs.reading import read_bounded
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import WEIGHTS_TAG

OWN = (JOURNAL, PROVENANCE, LOCK, MLFLOW, CHECKPOINTS, PREDICTIONS)
"""What is not copied as it is. Checkpoints only serve to go on, which a copy does not."""
STARTED = b'{"event": "start"'


def copy_run(source: StoredRun, target: Path, facts: Mapping[str, Any]) -> None:
    """Copy the run of a trial that has ended; a copy that is there already, whole, is left alone.

    The journal comes last: without it a directory holds no run, and is filled anew.

    Args:
        source: the run.
        target: the directory of the copy.
        facts: of `provenance.json`, those that are other than the run's.

    Raises:
        UserError: if a file of the run is damaged, or another process records in the directory.
        RunFailedError: if the directory cannot be written.
    """
    if journal.has_started(target / JOURNAL):
        return
    directory = RunDirectory.claim(target)
    try:
        lines = list(_lines(source))
        left = (*OWN, PLOTS) if source.evaluations else OWN  # the pictures are of the test split then
        _copy(source.path, directory, left)
        if (diff := diff_of(source)) is not None:
            directory.write(diff.name, read_bytes(diff))
        decided = stored_predictions(source)
        decided.pop("test", None)
        write_predictions(directory, decided, source.tags.get(WEIGHTS_TAG, ""))
        directory.write(PROVENANCE, json.dumps({**source.provenance, **facts}, indent=2) + "\n")
        write_atomically(directory.journal_path, b"".join(lines))
    finally:
        directory.release()


def _lines(run: StoredRun) -> Iterator[bytes]:
    """The whole lines of a run's journal, as far as its training goes."""
    data = read_bounded(run.path / JOURNAL, journal.LARGEST)
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    tested = next((place for place, line in enumerate(lines) if line.startswith(TESTED)), len(lines))
    if tested < len(lines):
        tested = max(place for place, line in enumerate(lines[:tested]) if line.startswith(STARTED))
    yield from lines[:tested]


def _copy(source: Path, target: RunDirectory, left: tuple[str, ...]) -> None:
    for name in sorted(names_in(source)):
        if name in left or name.startswith("."):
            continue
        if is_file(source / name):
            target.write(name, read_bytes(source / name))
        elif is_folder(source / name):
            folder = target.folder(name)
            for inner in sorted(names_in(source / name)):
                if is_file(source / name / inner):
                    write_atomically(folder / inner, read_bytes(source / name / inner))
