"""Waiting while the machine fails: a full disk, no memory, a storage that does not answer. It is told once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from nnlab.errors import Kind, MachineError
from nnlab.machine import machine_error, machine_errors
from nnlab.runs.resolve import study_command

T = TypeVar("T")

SECONDS = 2.0
"""Before the machine is looked at again; twice as long after each look in vain that followed on one that was not."""
MOST_SECONDS = 5.0
ROOM = 4 * 2**20
"""Bytes that must fit on the disk, or in memory; twice as many each time that they were too few."""
MOST_ROOM = 2**30
SECONDS_BETWEEN_TICKS = 0.25
FILES = 16

NAMES: dict[Kind, str] = {
    "disk": "the disk cannot be written",
    "memory": "there is no memory left",
    "files": "no more files can be opened",
    "processes": "no worker can be started",
    "storage": "the study's storage does not answer",
}


class Pause:
    """Waits until the machine is well.

    Args:
        directory: of the study.
        ask_storage: raises if the study's storage does not answer.
        warn: is told what fails.
        say: is told that the study goes on.
        tick: called several times a second while it waits.
        presses: holds something once Ctrl-C was pressed.
    """

    def __init__(
        self,
        directory: Path,
        ask_storage: Callable[[], object],
        *,
        warn: Callable[[str], object],
        say: Callable[[str], object],
        tick: Callable[[], object],
        presses: Sequence[float],
    ) -> None:
        self._directory = directory
        self._ask_storage = ask_storage
        self._warn = warn
        self._say = say
        self._tick = tick
        self._presses = presses
        self._over_at = 0.0
        self._in_vain = 0

    def worked(self) -> None:
        """What failed has worked since: the next error is a new one."""
        self._in_vain = 0

    def until_over(self, error: MachineError) -> None:
        """Wait until what fails may work again. Errors from before the end of the last wait need none.

        Raises:
            KeyboardInterrupt: at Ctrl-C.
        """
        if error.time < self._over_at:
            return
        place = _existing(Path(error.path).parent if error.path else self._directory)
        self._warn(
            f"{_described(error, place)}. The study waits and goes on by itself when that is over; nothing is lost. "
            f"Ctrl-C leaves it; {study_command(self._directory)} resumes it."
        )
        while True:
            self._wait(min(MOST_SECONDS, SECONDS * 2**self._in_vain))
            if self._is_over(error.kind, place):
                break
        self._over_at = time.time()
        self._in_vain += 1
        self._say(f"the study goes on{f' ({_free(place)})' if error.kind == 'disk' else ''}")

    def patiently(self, step: Callable[[], T]) -> T:
        """Take a step, and again when the machine is well if that was what failed: each may be taken twice.

        Raises:
            KeyboardInterrupt: at Ctrl-C while the machine fails.
        """
        while True:
            try:
                with machine_errors():
                    return step()
            except MachineError as error:
                self.until_over(error)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._presses:
                raise KeyboardInterrupt
            self._tick()
            time.sleep(SECONDS_BETWEEN_TICKS)

    def _is_over(self, kind: Kind, place: Path) -> bool:
        room = min(MOST_ROOM, ROOM * 2**self._in_vain)
        try:
            if kind == "disk":
                for folder in {place, self._directory}:
                    with tempfile.TemporaryFile(dir=folder) as file:
                        os.posix_fallocate(file.fileno(), 0, room)
            elif kind == "memory":
                bytearray(room)
            elif kind == "files":
                with ExitStack() as stack:
                    for _ in range(FILES):
                        stack.enter_context(open(os.devnull, "rb"))
            elif kind == "processes":
                subprocess.run([sys.executable, "-I", "-c", ""], check=False, stdin=subprocess.DEVNULL)
            else:
                self._ask_storage()
        except Exception as error:
            if kind != "storage" and machine_error(error) is None and not isinstance(error, OSError):
                raise
            return False
        return True


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def _described(error: MachineError, place: Path) -> str:
    """What fails, where, and how much there is."""
    if error.kind != "disk" or error.code is None:
        return f"{NAMES[error.kind]}: {str(error).rstrip('.')}"
    return f"{NAMES[error.kind]}: {error.path or place}: {os.strerror(error.code)}, {_free(place)}"


def _free(place: Path) -> str:
    usage = shutil.disk_usage(place)
    return f"{usage.free / 1e6:,.0f} of {usage.total / 1e6:,.0f} MB free"
