"""The files of a run that MLflow gets, copied to where nobody else can change them before they are sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nnlab.errors import UserError
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS
from nnlab.models.stored_form import ArchitectureForm, largest_file
from nnlab.runs import journal
from nnlab.runs.directory import DIFFS, PREDICTIONS
from nnlab.runs.files import is_file, read_bytes
from nnlab.runs.opening import UnsafeFileError
from nnlab.runs.reading import damaged, read_stored
from nnlab.runs.scratch import scratch
from nnlab.typed import MalformedError

FILES = (
    "config.yaml",
    "overrides.yaml",
    "provenance.json",
    "requirements.txt",
    "metrics.jsonl",
    "history.csv",
    "study.json",
    "trials.csv",
    "profile.csv",
    PREDICTIONS,
)
FOLDERS = ("model", "plots")
REMEDY = "Move it away, or the run directory."


@contextmanager
def artifacts(run: Path) -> Iterator[Path]:
    """A folder with a copy of everything in the run directory `run` that MLflow is to get, while the block runs.

    Raises:
        UnsafeFileError: if one of them is a link, has a second name, or is no plain file: it may be something private.
        UserError: if one is larger than nnlab's are: it would fill the disk, here and where it is sent.
        OSError: if one cannot be read or copied.
    """
    with scratch("mlflow") as folder:
        _copy(run, (name for name in _files(run) if os.path.lexists(run / name)), folder)
        for name in FOLDERS:
            if os.path.lexists(run / name):
                (folder / name).mkdir()
                _copy(run / name, _names(run / name), folder / name)
        yield folder


def names(run: Path) -> list[str]:
    """Everything in the run directory `run` that MLflow is to get, as paths in it; nothing of a folder that is none."""
    found = [name for name in _files(run) if is_file(run / name)]
    for folder in FOLDERS:
        with suppress(OSError, UnsafeFileError):
            found += [f"{folder}/{name}" for name in _names(run / folder) if is_file(run / folder / name)]
    return found


def has_model(folder: Path) -> bool:
    """Whether a run directory, or what is copied of it, has a whole model."""
    return is_file(folder / "model" / ARCHITECTURE)


def _files(run: Path) -> list[str]:
    """The files that MLflow is to get, whether they are there or not."""
    with suppress(OSError):
        return [*FILES, *sorted(name for name in os.listdir(run) if re.fullmatch(DIFFS, name))]
    return [*FILES]


def _names(folder: Path) -> list[str]:
    if folder.is_symlink():
        raise UnsafeFileError(folder, "it must be a folder, but is a symbolic link")
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def _copy(source: Path, which: Iterable[str], target: Path) -> None:
    for name in which:
        path = source / name
        if os.lstat(path).st_size > (limit := _largest(path)):
            raise damaged(path, f"it has more than {limit:,} bytes", REMEDY)
        (target / name).write_bytes(read_bytes(path, to_publish=True))


def _largest(path: Path) -> int:
    """How many bytes a file of a run may have: weights what their network says, others as many as a journal."""
    with suppress(FileNotFoundError, UserError, MalformedError):  # without a network that can be read: as any other
        if path.name == WEIGHTS:
            return largest_file(read_stored(path.with_name(ARCHITECTURE), ArchitectureForm, REMEDY))
    return journal.LARGEST
