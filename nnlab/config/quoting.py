"""Writes overrides: quoted for Hydra's grammar, and for a shell."""

from __future__ import annotations

import re
import shlex
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from nnlab.config.problems import as_typed


def as_override(key: str, value: Any) -> str:
    """The override that sets a value, quoted for Hydra's grammar."""
    if not isinstance(value, str):
        return f"{key}={as_typed(value)}"
    is_plain = re.fullmatch(r"[\w./:@%+-]+", value, re.ASCII) and as_typed(value) == value
    return f"{key}={value if is_plain else _quoted(value)}"


def to_paste(key: str, text: str) -> str:
    """The override that sets a text, quoted for Hydra's grammar and for a shell."""
    return shlex.quote(f"{key}={_quoted(text)}")


def _quoted(text: str) -> str:
    literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # else it would be an interpolation
    # In double quotes, as the shell's are single ones.
    return QuotedString(literal, Quote.double).with_quotes()
