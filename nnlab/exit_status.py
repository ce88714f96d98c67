"""How every command ends: 0 done; 2 the user's input is wrong; 1 anything else; 130 interrupted.

Imports next to nothing, so that a command is inside `exit_status` before its slow imports begin.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nnlab.errors import RunFailedError, TerminatedError, UserError


@contextmanager
def exit_status() -> Iterator[None]:
    """Turn the errors that people can act on into a message on stderr and an exit status."""
    try:
        yield
    except UserError as error:
        sys.exit(_said(error, 2))
    except RunFailedError as error:
        sys.exit(_said(error, 1))
    except TerminatedError:
        sys.exit(_said("terminated", 130))
    except KeyboardInterrupt:
        sys.exit(_said("interrupted", 130))
    except BrokenPipeError:
        # Nobody reads on (`| head`). Python's own flush at exit needs a stream that takes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _said(message: object, status: int) -> int:
    sys.stderr.write(f"{message}\n")
    return status
