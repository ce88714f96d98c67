"""A run's own directory: everything about the run, recorded as it happens, whatever happens to MLflow.

`config.yaml`, `overrides.yaml`, `provenance.json`, `code.diff` (where the code was not that of its commit),
`requirements.txt`, `metrics.jsonl` (the journal), `history.csv`, `checkpoints/`, `model/`, `predictions.safetensors`,
`plots/`, and, where the run goes to MLflow, `mlflow.json` (what has arrived there).
A study has such a directory too, with `study.json` and `trials.csv`, and its trials' directories in `trials/`.
"""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nnlab.errors import RunFailedError, UserError
from nnlab.paths import ensure_temporary_folder, expanded
from nnlab.runs import journal
from nnlab.runs.files import FileLock, is_folder, make_folder, not_writable, remove, write_atomically
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.owners import check_own, in_words, is_own

JOURNAL = "metrics.jsonl"
CONFIG = "config.yaml"
OVERRIDES = "overrides.yaml"
PROVENANCE = "provenance.json"
MODEL = "model"
PREDICTIONS = "predictions.safetensors"
PLOTS = "plots"
CHECKPOINTS = "checkpoints"
MLFLOW = "mlflow.json"
DIFF = "code.diff"
DIFFS = r"code(-[0-9a-f]{12})?\.diff"
"""Its names: a study's trials, and a run that went on, may have had several codes."""
STUDY = "study.json"
TRIALS = "trials"
DATA = "data"
"""In a study's directory while it runs: the data that its workers share."""
LOCK = "lock"

CLAIM_SECONDS = 10.0
"""How long a claim waits for the lock: the sync process holds a dead run's for a moment, to write its end."""


class RunDirectory:
    """A run's directory, locked by this process until `release` or until the process ends.

    Args:
        path: absolute.
        lock: held.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock
        ensure_temporary_folder(path.parent)

    @classmethod
    def create(cls, runs_dir: Path, hint: str) -> RunDirectory:
        """Make `<runs_dir>/<YYYYmmdd-HHMMSS>-<hint>-<6 hexadecimal digits>`, which no other run has.

        Raises:
            UserError: if `runs_dir` cannot be made or written.
        """
        hint = re.sub(r"[^A-Za-z0-9_.]+", "-", hint).strip("-.") or "run"
        runs_dir = expanded(runs_dir).absolute()
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            while True:
                name = f"{time.strftime('%Y%m%d-%H%M%S')}-{hint[:60]}-{secrets.token_hex(3)}"
                try:
                    (runs_dir / name).mkdir()
                    break
                except FileExistsError:
                    continue
            return cls(runs_dir / name, FileLock(runs_dir / name / LOCK))
        except OSError as error:
            raise _not_writable(runs_dir, error) from error

    @classmethod
    def claim(cls, path: Path) -> RunDirectory:
        """Create exactly this directory, or take it over if no living process records into it.

        Raises:
            UserError: if the run there is still being recorded or another user's, or the directory cannot be made or
            written.
        """
        path = expanded(path).absolute()
        deadline = time.monotonic() + CLAIM_SECONDS
        try:
            if not os.path.lexists(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
            check_own(path)
            make_folder(path)
            while True:
                try:
                    return cls(path, FileLock(path / LOCK, wait=False))
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise UserError(
                            f"A run is recorded by one process at a time, but {path} is still being recorded by "
                            "another. Wait until that process has ended, or stop it."
                        ) from error
                    time.sleep(0.02)
        except OSError as error:
            raise _not_writable(path.parent, error) from error

    @property
    def name(self) -> str:
        """The last part of the path, by which commands and the tag `nnlab.run` know the run."""
        return self.path.name

    @property
    def journal_path(self) -> Path:
        """Where the journal is."""
        return self.path / JOURNAL

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file of the directory, atomically.

        Raises:
            RunFailedError: if that fails.
        """
        write_atomically(self.path / name, content)

    def folder(self, name: str) -> Path:
        """A folder in the directory, made if absent.

        Raises:
            RunFailedError: if that fails.
        """
        try:
            make_folder(self.path / name)
        except OSError as error:
            raise not_writable(self.path / name, error) from error
        return self.path / name

    def clear(self) -> None:
        """Remove what a run that was here before has left, but its journal; raises RunFailedError if that fails."""
        self.remove("history.csv", "profile.csv", DIFF, PREDICTIONS, MODEL, PLOTS, CHECKPOINTS)

    def remove(self, *names: str) -> None:
        """Remove what has these names in the directory; raises RunFailedError if that fails."""
        try:
            for name in names:
                remove(self.path / name)
        except OSError as error:
            raise not_writable(self.path, error) from error

    def release(self) -> None:
        """Release the lock: this process is done with the run."""
        self._lock.release()

    @staticmethod
    def is_alive(path: Path) -> bool:
        """Whether the process that records the run at `path` is still alive."""
        with suppress(PermissionError):  # somebody else's
            return FileLock.is_held(path / LOCK)
        return False


def run_directories(runs_dir: Path, *, of_others: bool = False) -> Iterator[Path]:
    """The directories in the folder of the runs that have a journal: runs and studies, then the trials; by name.

    Args:
        runs_dir: the folder.
        of_others: whether other users' directories are wanted too: they may be read, but are neither written nor
            uploaded. Links never are.
    """
    wanted = is_folder if of_others else is_own
    tops = [path for path in _entries(runs_dir) if wanted(path)]
    yield from (path for path in tops if _has_journal(path))
    for trials in (path / TRIALS for path in tops):
        if wanted(trials):
            yield from (path for path in _entries(trials) if wanted(path) and _has_journal(path))


def left_alone(runs_dir: Path) -> str | None:
    """A line about the run directories in the folder that no command writes or uploads; None if there are none."""
    others = [path for path in _entries(runs_dir) if _has_journal(path) and not is_own(path)]
    if not others:
        return None
    return f"{runs_dir}: left alone are run directories that are not yours: {in_words(others)}"


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing if it cannot be read."""
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _has_journal(path: Path) -> bool:
    return os.path.lexists(path / JOURNAL)


def write_history(path: Path) -> None:
    """Write `history.csv` of the run at `path`: one row per epoch, `epoch` and the metrics as columns.

    A study has one row per finished trial instead, in the order they finished, and `trial` as its first column.
    """
    run = JournalReader(path / JOURNAL)
    run.update()
    columns = list(dict.fromkeys(name for metrics in run.history.values() for name in metrics))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([run.unit, *columns])
    for number, metrics in sorted(run.history.items()):
        table.writerow([number, *(metrics.get(name, "") for name in columns)])
    write_atomically(path / "history.csv", text.getvalue())


def end_dead_runs(runs_dir: Path) -> None:
    """Close every run in the folder, and every trial of a study there, whose process was killed."""
    for path in run_directories(runs_dir):
        # A damaged run, or one that this user may not write, is reported when somebody asks for it.
        with suppress(UserError, RunFailedError, OSError):
            if journal.has_started(path / JOURNAL) and not journal.has_ended(path / JOURNAL):
                end_if_dead(path)


def end_if_dead(path: Path) -> None:
    """Write the `end` that a killed process could not; one that lives, has ended or never began is left alone."""
    try:
        lock = FileLock(path / LOCK, wait=False)
    except BlockingIOError:
        return
    with lock:
        run = JournalReader(path / JOURNAL)
        with suppress(FileNotFoundError):
            run.update()
        if journal.has_started(path / JOURNAL) and not run.has_ended:
            writer = journal.Journal(path / JOURNAL)
            writer.append("end", status="killed", reason="the process died without closing the run")
            writer.close()
            write_history(path)


def _not_writable(runs_dir: Path, error: OSError) -> UserError:
    return UserError(
        f"The folder of the runs must be writable, but creating a run directory in {runs_dir} failed "
        f"({error.strerror or error}). Choose another with runs_dir=FOLDER or NNLAB_RUNS_DIR."
    )
