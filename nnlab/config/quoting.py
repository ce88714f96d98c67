"""Values as they are typed: in Hydra's grammar, and in a shell in front of it."""

from __future__ import annotations

import re
import shlex
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from nnlab.config.problems import shown


def in_hydra(key: str, value: Any) -> str:
    """The override that sets a value, in Hydra's grammar."""
    if not isinstance(value, str):
        return f"{key}={shown(value)}"
    is_plain = re.fullmatch(r"[\w./:@%+-]+", value, re.ASCII) and shown(value) == value
    return f"{key}={value if is_plain else _quoted(value)}"


def to_paste(key: str, text: str) -> str:
    """The override that sets a text, quoted for Hydra, and for the shell in front of it."""
    return shlex.quote(f"{key}={_quoted(text)}")


def _quoted(text: str) -> str:
    literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # or it were an interpolation
    # Shells quote with ', so " needs no more there.
    return QuotedString(literal, Quote.double).with_quotes()
