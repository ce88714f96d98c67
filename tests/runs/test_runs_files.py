from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlab.errors import RunFailedError, UserError
from nnlab.runs.files import FileLock, write_atomically
from nnlab.runs.opening import UnsafeFileError

HOLD = (
    "import sys, time; from pathlib import Path; from nnlab.runs.files import FileLock;"
    "lock = FileLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "old and long")
    write_atomically(tmp_path / "a.txt", "neu: ü")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "neu: ü"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a.txt", "old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(RunFailedError, match=r"a\.txt failed \(No space left on device\).*NNLAB_RUNS_DIR"):
        write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_lock_has_one_holder_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not FileLock.is_held(path)
    with FileLock(path):
        assert FileLock.is_held(path)
        with pytest.raises(BlockingIOError, match="temporarily unavailable"):
            FileLock(path, wait=False)
    assert not FileLock.is_held(path)
    FileLock(path, wait=False).release()


def test_a_killed_process_holds_no_lock(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    path = tmp_path / "lock"
    holder = start("-c", HOLD, str(path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert FileLock.is_held(path)
    holder.kill()
    holder.wait()
    assert not FileLock.is_held(path)


def test_a_process_that_the_holder_starts_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        lock.release()
        assert not FileLock.is_held(tmp_path / "lock")
    finally:
        child.communicate(b"\n")


def test_what_is_unsafe_passes_between_processes_as_it_is() -> None:
    """A worker's error that its coordinator cannot unpickle would end all its workers."""
    error = UnsafeFileError(Path("/runs/a/lock"), "it must be a plain file, but is a pipe")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.errno, copy.filename) == (str(error), error.errno, "/runs/a/lock")
    assert isinstance(copy, UserError)
