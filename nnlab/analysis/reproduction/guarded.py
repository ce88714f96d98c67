"""A temporary folder, and processes that work in it, of which nothing is left however this process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nnlab.analysis.reproduction import guard
from nnlab.runs.scratch import scratch


class Guarded:
    """A temporary folder under a guard.

    Args:
        folder: empty.
        guarding: the process that clears up if this one dies.
    """

    def __init__(self, folder: Path, guarding: subprocess.Popen[str]) -> None:
        self.folder = folder
        self._guarding = guarding

    def run(self, command: Sequence[str], environment: Mapping[str, str], out: IO[bytes], errors: IO[bytes]) -> int:
        """Run a command in the folder; returns its exit status. It ends with this process, and if this is interrupted.

        Args:
            command: the program and its arguments.
            environment: of the process.
            out: a file for what it says.
            errors: a file for what it says on standard error.
        """
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            process_group=0,
        )
        try:
            _tell(self._guarding, f"end {process.pid}")
            return process.wait()
        finally:
            process.kill()
            process.wait()
            _tell(self._guarding, "ended")


@contextmanager
def guarded_folder(use: str) -> Iterator[Guarded]:
    """A temporary folder while the block runs.

    Args:
        use: a word in its name.

    Raises:
        OSError: if it cannot be made.
    """
    guarding = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(guard.__file__))],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with scratch(use) as folder:
            _tell(guarding, f"remove {folder.parent}")
            yield Guarded(folder, guarding)
    finally:
        guarding.communicate()


def _tell(guarding: subprocess.Popen[str], line: str) -> None:
    if guarding.stdin is not None:
        with suppress(BrokenPipeError):  # somebody has killed it
            guarding.stdin.write(f"{line}\n")
            guarding.stdin.flush()
