"""Which errors are the machine's, through whatever they have become on their way."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from nnlab.errors import MachineError, RunFailedError, UserError
from nnlab.machine import machine_error, machine_errors, raise_if_disk
from nnlab.runs.files import not_writable


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, "disk"),
        (errno.EDQUOT, "disk"),
        (errno.EIO, "disk"),
        (errno.EROFS, "disk"),
        (errno.ENOMEM, "memory"),
        (errno.EMFILE, "files"),
        (errno.ENFILE, "files"),
    ],
)
def test_the_systems_errors_that_are_the_machines(code: int, kind: str) -> None:
    try:
        try:
            raise OSError(code, "as arranged", "/a/file")
        except OSError as error:
            raise UserError("something is wrong") from error
    except UserError as error:
        found = machine_error(error)
    assert found is not None
    assert (found.kind, found.path, found.code) == (kind, "/a/file", code)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        BlockingIOError(errno.EAGAIN, "somebody holds the lock"),
        ValueError("a wrong shape"),
    ],
)
def test_other_errors_are_the_works_own(error: Exception) -> None:
    assert machine_error(error) is None
    with pytest.raises(type(error)), machine_errors():
        raise error


def test_memory_that_cannot_be_had_is_the_machines() -> None:
    with pytest.raises(MachineError, match=r"74\.5 GiB") as caught, machine_errors():
        raise MemoryError("Unable to allocate 74.5 GiB")
    assert caught.value.kind == "memory"


def test_an_error_that_was_handled_is_not_looked_at() -> None:
    def handles() -> None:
        try:
            raise OSError(errno.ENOSPC, "full")
        except OSError:
            raise ValueError("of its own") from None

    with pytest.raises(ValueError, match="of its own") as caught:
        handles()
    assert machine_error(caught.value) is None


def test_it_passes_between_processes_as_it_is() -> None:
    error = MachineError("full", "disk", "/a/file", errno.ENOSPC)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.__dict__) == (str(error), error.__dict__)


def test_a_file_of_a_run_that_cannot_be_written_says_whose_fault_it_is() -> None:
    full = not_writable(Path("/a/file"), OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(full, MachineError)
    assert (full.kind, full.path) == ("disk", "/a/file")
    assert type(not_writable(Path("/a/file"), OSError(errno.EACCES, "Permission denied"))) is RunFailedError


def test_what_is_a_mere_warning_is_one_unless_the_disk_fails() -> None:
    raise_if_disk(ValueError("matplotlib's"))
    raise_if_disk(MemoryError())
    with pytest.raises(MachineError):
        raise_if_disk(OSError(errno.ENOSPC, "full"))
