"""What the consoles of a run and of a study share: lines, warnings, a moving picture, and no failure of their own."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, Protocol, Self, TextIO, TypeVar

from nnlab.streams import write_line

P = ParamSpec("P")
D = TypeVar("D", bound="Display")


def harmless(show: Callable[Concatenate[D, P], None]) -> Callable[Concatenate[D, P], None]:
    """A method that shows something: if it fails, a line is lost, not the work."""

    def shown(self: D, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(self, *args, **kwargs)
        except (Exception, SystemExit) as error:  # Rich's answer to a pipe without a reader is to exit
            self._failed(error)

    functools.update_wrapper(shown, show)
    return shown


class Picture(Protocol):
    """The last lines of a terminal, redrawn again and again."""

    def print_above(self, text: str, style: str = "") -> None:
        """Print a line that stays, in one of Rich's styles."""

    def close(self) -> None:
        """Erase the picture and give the terminal back."""


class Display:
    """Shows some work; used in a `with` block, which leaves the terminal as it was.

    Args:
        out: where results go.
        errors: where warnings go.
        live: whether there is a moving picture.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, live: bool) -> None:
        self.out = out
        self.errors = errors
        self._is_live = live
        self._picture: Picture | None = None
        self._has_failed = False

    def __enter__(self) -> Self:
        return self

    @harmless
    def __exit__(self, *exception: object) -> None:
        self._close()

    def _warning(self, text: str) -> None:
        """Warn, on standard error."""
        # If errors go to a terminal, it is the picture's, and only the picture can print above itself there.
        if self._picture is not None and self.errors.isatty():
            self._line(f"warning: {text}")
        else:
            write_line(self.errors, f"warning: {text}")

    def _line(self, text: str, style: str = "") -> None:
        """Print a line, or a few, that stay."""
        if self._picture is not None:
            try:
                self._picture.print_above(text, style)
                return
            except (Exception, SystemExit) as error:
                self._failed(error)
        write_line(self.out, text)

    def _close(self) -> None:
        picture, self._picture = self._picture, None
        if picture is not None:
            try:
                picture.close()
            except (Exception, SystemExit) as error:
                self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Continue without the picture, and say why, once."""
        picture, self._picture, self._is_live = self._picture, None, False
        if picture is not None:
            with suppress(Exception, SystemExit):
                picture.close()
        if not self._has_failed:
            self._has_failed = True
            reason = f"{type(error).__name__}: {error}"
            write_line(self.errors, f"warning: progress can no longer be shown in full ({reason})")


def is_live(out: TextIO) -> bool:
    """Whether `out` is a terminal that wants moving pictures: neither `CI` nor `TERM=dumb` is set.

    `NO_COLOR` takes the colours away and leaves the picture, which has them from Rich.
    """
    try:
        is_terminal = out.isatty()
    except (OSError, ValueError):  # closed
        return False
    return (
        is_terminal
        and os.environ.get("CI", "").lower() in ("", "0", "false")
        and os.environ.get("TERM") not in ("dumb", "unknown")
    )
