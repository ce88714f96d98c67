"""How every command ends: 0 done; 2 the user's input is wrong; 1 anything else; 130 interrupted.

Imports next to nothing, so that a command is inside `exit_status` before its slow imports start.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from nnlab import streams
from nnlab.errors import RunFailedError, TerminatedError, UserError


@contextmanager
def exit_status() -> Iterator[None]:
    """Turn errors that users can act on into a message on stderr and an exit status.

    First it makes the standard streams harmless: see `nnlab.streams`.
    """
    streams.secure()
    try:
        _check_current_folder()
        yield
    except UserError as error:
        sys.exit(_said(error, 2))
    except RunFailedError as error:
        sys.exit(_said(error, 1))
    except TerminatedError:
        sys.exit(_said("terminated", 130))
    except KeyboardInterrupt:
        sys.exit(_said("interrupted", 130))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            sys.exit(streams.check_output(end.code or 0))
        raise
    if status := streams.check_output(0):
        sys.exit(status)


def end_after(command: Callable[[], None]) -> NoReturn:
    """Run the command and end the process with its status, at once: Python would take 0.2 s to clear its modules away.

    What was registered with `atexit` is done first. Another exception than `SystemExit` goes through. Not for a command
    with worker processes: Python tells those to end before it calls what is registered, and that waits for them.
    """
    streams.secure()
    status: object = 0
    try:
        command()
    except SystemExit as end:
        status = end.code if end.code is not None else 0
    if not isinstance(status, int):
        status = _said(status, 1)
    atexit._run_exitfuncs()
    os._exit(streams.check_output(status))


def _check_current_folder() -> None:
    """Every command takes paths from the current folder, and most ask for it themselves."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UserError("The current folder must exist, but it has been deleted. Change to another: cd ~") from None


def _said(message: object, status: int) -> int:
    streams.write_line(sys.stderr, str(message))
    return status
