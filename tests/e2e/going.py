"""A study on its way, for tests that end it early."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands import processes_in, started, wait_for


@dataclass
class Going:
    """A study on its way, in a process that leads a group of its own."""

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str]

    def read_until(self, is_it: Callable[[str], bool]) -> str:
        """The next line of its output that is meant."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if is_it(line):
                return line
        raise AssertionError(f"the study ended before that: {''.join(self.lines)}")

    def read_trials(self, count: int) -> None:
        """Wait until `count` trials more have ended."""
        for _ in range(count):
            self.read_until(lambda line: " trial " in line and ("finished" in line or "pruned" in line))

    def ctrl_c(self) -> None:
        """To the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[str, str]:
        """All its output and errors, once it has ended."""
        out, errors = self.process.communicate(timeout=120)
        return "".join(self.lines) + out, errors

    def processes_left(self) -> list[int]:
        """What still lives in its folder, after a moment in which orphans may notice that they are."""
        self.process.wait(timeout=60)
        try:
            wait_for(lambda: not self._processes(), seconds=30)
        except AssertionError:
            return self._processes()
        return []

    def _processes(self) -> list[int]:
        # The test itself may stand in the same folder.
        return [pid for pid in processes_in(self.folder) if pid != os.getpid()]


@contextmanager
def going(*overrides: str, folder: Path, **variables: str) -> Iterator[Going]:
    """A study on its way; killed at the end if it lives."""
    with started(*overrides, folder=folder, program="nnlab.sweep", **variables) as process:
        yield Going(process, folder, [])


def children(pid: int) -> Set[int]:
    """The processes that `pid` has started and that live."""
    try:
        return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


def workers(pid: int) -> list[int]:
    """Those of the children of `pid` that do trials."""
    found = []
    for child in sorted(children(pid)):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in command:
            found.append(child)
    return found
