"""Keeps passwords out of everything that is stored or shown. In doubt, more is hidden than has to be."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, TextIO

HIDDEN = "***"

# Addresses are `scheme://user:password@host`; of those that name a server also with fewer slashes, or with backslashes.
_START = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]{0,30}:[/\\]{2,}"
    r"|(?<![A-Za-z0-9+.\-])(?:postgres|postgresql|mysql|mariadb|mssql|oracle|cockroachdb|redis|mongodb|https?|ftp)"
    r"(?:\+\w+)?:[/\\]?(?=[^\s/\\])",
    re.IGNORECASE,
)
_FILE = re.compile(r"(?:sqlite(?:\+\w+)?|file):[/\\]{3,}$", re.IGNORECASE)
"""Starts an address that names no server: an `@` is a part of its path."""
_PASSWORD = re.compile(r"(?:\[[^\]\s]*\]|[^\s/\\@:\[]*):")
"""What comes before a password, or before a port."""
_PORT = re.compile(r"(?:\d{1,5}|PORT)(?!\w)")
_OVERRIDE = re.compile(r"\s['\"]?[\w.]+=")
_NEXT = r"[\s'\"=(<,]"
"""What stands before an address inside a text."""

_WORD = re.compile(r"\S*")

_VALUE = r"'[^']*'|\"(?:[^\"\\]|\\.)*\""
_NAMES = r"pass(?:word|wd|phrase)?|pwd|secret|credentials?|(?:api|access|private)[_\-]?key"
_NAME = rf"(?<![\w.\-])[\w.\-]*(?:{_NAMES})\w*+"
_SET = rf"(?:(?<![\w.\-])[\w.\-]*(?:token|signature|(?:{_NAMES})\w*+)|(?<=[?&])(?:key|sig))"
"""A name before `=`; before a colon, `token` is a word of parsers. In an address it may be as short as `key`."""
_FIELD = re.compile(rf"({_SET}['\"]?=)({_VALUE}|[^&\s]*)", re.IGNORECASE)
_LAST_FIELDS = re.compile(rf"((?<=[?&]){_SET}=)[^&]*", re.IGNORECASE)
_MAPPED = re.compile(rf"({_NAME}['\"]?:\s*)(?!\*\*\*)({_VALUE}|[^,\s]+)", re.IGNORECASE)
_HEADER = re.compile(
    rf"(authorization['\"]?\s*[:=]\s*)(?!\*\*\*)({_VALUE}|(?:\w+\s+)?[^\s'\",]+)|(\bbearer\s+)([\w+/=.~\-]{{8,}})",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """The text with every password in it replaced by `***`: of addresses, of fields named so, and of HTTP headers.

    In an address all of the user part is hidden: a token may stand where the user does. A text that is an address as a
    whole, and nothing else, may have any character in its password; within other texts its end has to be guessed.
    """
    found = _START.match(text)
    if found and "\n" not in text:
        start, rest = found[0], text[found.end() :]
        text = start + _LAST_FIELDS.sub(rf"\g<1>{HIDDEN}", _without_user(start, rest, rest))
    else:
        text = "".join(_line(line) for line in text.splitlines(keepends=True))
    for pattern in (_FIELD, _MAPPED, _HEADER):
        text = pattern.sub(_hidden, text)
    return text


def _hidden(field: re.Match[str]) -> str:
    """A field with its value hidden, in quotes if it was."""
    name, value, *_ = (group for group in field.groups() if group is not None)
    mark = value[0] if value[:1] in ("'", '"') and value[0] == value[-1] else ""
    return f"{name}{mark}{HIDDEN}{mark}"


def _line(text: str) -> str:
    """One line of a text, with the passwords of the addresses in it hidden."""
    found = list(_START.finditer(text))
    found = [each for each in found if each.start() == 0 or re.match(_NEXT, text[each.start() - 1])] or found
    parts, done = [], 0
    for place, start in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        rest = text[start.end() : end]
        parts += [text[done : start.end()], _without_user(start[0], rest, _WORD.findall(rest)[0])]
        done = end
    return "".join([*parts, text[done:]])


def _without_user(start: str, rest: str, word: str) -> str:
    """The rest of an address, and of its text, with the user part hidden.

    Args:
        start: its scheme and slashes.
        rest: all that may belong to it.
        word: the beginning of that which does.
    """
    if _FILE.match(start):
        return rest
    before = _PASSWORD.match(rest)
    is_port = before is not None and _PORT.match(rest, before.end())
    end = word.rfind("@")
    if before and (last := rest.rfind("@")) > end and not (is_port and _OVERRIDE.search(rest, len(word), last)):
        end = last  # a password with spaces
    if end >= 0:
        return f"{HIDDEN}{rest[end:]}"
    if before and not is_port and len(word) > before.end():  # without a host: a password all the same
        return f"{before[0]}{HIDDEN}{rest[len(word) :]}"
    return rest


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
