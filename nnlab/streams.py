"""The standard streams of a command: whether closed, full or without a reader, they never stop its work, and they show
no passwords.

Imports next to nothing, so that a command can call `secure` before its slow imports start.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import select
import sys
import textwrap
from contextlib import suppress
from typing import Any, TextIO

from nnlab.redaction import redacted

_opened: dict[str, _Lenient] = {}
_work_is_kept = False


def open_closed() -> None:
    """Put the null device in the place of standard streams that are closed.

    The first file to be opened would get a closed one's number, and whatever a library or a process that is started
    prints would land in that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null == number:
                os.set_inheritable(number, True)
            else:
                os.dup2(null, number)
                os.close(null)


def secure() -> None:
    """Make the streams of this process harmless, once: missing ones discard output, no write raises, and passwords in
    what is written are left out.

    Streams that have been replaced (by a notebook, a test) stay.
    """
    open_closed()
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout = _secured("stdout", 1, sys.stdout, sys.__stdout__)
    sys.stderr = _secured("stderr", 2, sys.stderr, sys.__stderr__)


def work_is_kept() -> None:
    """Declare that the results of this process are stored elsewhere: lost output is then a warning, not a failure."""
    global _work_is_kept
    _work_is_kept = True


def check_output(status: int) -> int:
    """The exit status of a command that would end with `status`, and a warning on standard error if output was lost.

    A command that only had to answer has failed then: status 1 in place of 0. A reader that has gone wanted no more and
    needs no warning.
    """
    flush()
    lost = _opened["stdout"].error if "stdout" in _opened else None
    if lost is None:
        return status
    _opened["stdout"].error = None  # reported once
    if lost.errno != errno.EPIPE:
        rest = "the work was done, and its results are kept" if _work_is_kept else "the answer is incomplete"
        warn(f"standard output lost some lines ({lost.strerror}): {rest}")
    return status if _work_is_kept else status or 1


def flush() -> None:
    """Flush both streams, whatever state they are in."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()


@functools.cache
def null_stream() -> TextIO:
    """A stream that shows nothing, for a process that has none."""
    return open(os.devnull, "w", encoding="utf-8")


def write_line(stream: TextIO | None, text: str) -> None:
    """Print `text` on `stream` at once; a stream that does not take it is no reason to end."""
    if stream is None:
        return
    try:
        print(encodable(text, stream), file=stream, flush=True)
    except Exception:  # any class can be a stream
        _give_up(stream)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    write_line(sys.stderr, f"warning: {text}")


def encodable(text: str, stream: TextIO) -> str:
    """`text` with question marks for what the stream's encoding lacks: no run ends over a path with an é."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def width_of(stream: TextIO) -> int | None:
    """How many columns what is shown on `stream` may take: as `COLUMNS` says, else those of its terminal.

    None for a pipe or a file, which take lines of any length.
    """
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return (os.get_terminal_size(stream.fileno()).columns or 80) if stream.isatty() else None
    except (OSError, ValueError, AttributeError):  # a stream without a file, which says that it is a terminal
        return 80


def folded(text: str, width: int | None) -> str:
    """Text with each line that is wider than `width` broken at spaces, and indented from there: nothing is cut off."""
    if width is None:
        return text
    lines = []
    for line in text.split("\n"):
        if len(line) > width:
            indent = " " * (4 if width >= 40 else 1)
            lines += textwrap.wrap(
                line, max(width, 2), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
        else:
            lines.append(line)
    return "\n".join(lines)


class _Lenient(io.FileIO):
    """A descriptor to write to that never refuses; `error` is the first reason why it lost something."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        rest = memoryview(data).cast("B")
        count = len(rest)
        try:
            while rest:
                written = super().write(rest)
                if written is None:  # a terminal or pipe that somebody has made non-blocking, and that is busy
                    select.select([], [self], [])
                else:
                    rest = rest[written:]
        except OSError as error:
            self.error = self.error or error
        return count


class _Redacted(io.TextIOWrapper):
    """A stream to write text to, without the passwords in it: those of errors and of other libraries' messages too."""

    def write(self, text: str, /) -> int:
        super().write(redacted(text))
        return len(text)


def _secured(name: str, number: int, stream: TextIO | None, original: TextIO | None) -> TextIO:
    if stream is None:
        return null_stream()
    if name in _opened or stream is not original or not isinstance(stream, io.TextIOWrapper):
        return stream
    with suppress(OSError, ValueError):
        if stream.fileno() != number:
            return stream
        stream.flush()
    raw = _opened[name] = _Lenient(number, "wb", closefd=False)
    raw.name = f"<{name}>"
    return _Redacted(
        raw if stream.write_through else io.BufferedWriter(raw),
        encoding=stream.encoding,
        # A character that the encoding lacks is no reason to end either; nothing of it is lost.
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _give_up(stream: TextIO) -> None:
    """Let one of the process's own streams that fails go to the null device, so that Python's flush at exit works."""
    with suppress(Exception):  # of a stream without a file
        number = stream.fileno()
        if number in (1, 2):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
