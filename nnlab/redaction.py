"""Keeps passwords out of everything that is stored or shown."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, TextIO

# The user part of an address (`scheme://user:password@host`); a token may stand where the user does.
_USER_PART = re.compile(r"(?<=://)(?:[^/\s:@]*:\S*|[^/\s:@]+)@")
_SECRET_FIELD = re.compile(r"([?&](?:password|passwd|pwd|token)=)[^&\s]*", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text with the user part and secret query fields of every address in it replaced by `***`."""
    return _SECRET_FIELD.sub(r"\1***", _USER_PART.sub("***@", text))


def redacted_tree(value: Any) -> Any:
    """A copy of nested mappings, lists and tuples (which become lists) with every text in them redacted."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {str(key): redacted_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_tree(item) for item in value]
    return value


class Redacting(io.TextIOBase):
    """A text stream that removes passwords."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Pass the text on, redacted."""
        return self._stream.write(redacted(text))

    def flush(self) -> None:
        """Flush the underlying stream."""
        self._stream.flush()
