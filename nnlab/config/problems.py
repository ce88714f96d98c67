"""The problems of a config, which are reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnlab.errors import UserError
from nnlab.redaction import redacted

UNSET = object()
LONGEST = 200
"""How many characters of a value are shown."""


@dataclass(frozen=True)
class ConfigProblem:
    """One broken rule.

    Args:
        key: in full (`optimizer.lr`).
        rule: what must hold, with the facts; it continues "key=value: ".
        value: what was given; `UNSET` if there is no single value to show.
        nearest: the nearest valid choice, to type or to do.
    """

    key: str
    rule: str
    value: Any = UNSET
    nearest: str = ""

    def __str__(self) -> str:
        found = "" if self.value is UNSET else redacted(f"={as_typed(self.value)}")  # whole, before it is cut
        if len(found) > LONGEST:
            found = f"{found[:LONGEST]}..."
        remedy = f" Nearest valid: {self.nearest}." if self.nearest else ""
        return f"{self.key}{found}: {self.rule}.{remedy}"


def as_typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(as_typed(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{as_typed(item)}' for key, item in value.items())}}}"
    is_ambiguous = isinstance(value, str) and (value.lower() in ("", "true", "false", "null") or _is_number(value))
    return repr(value) if is_ambiguous else str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class ConfigError(UserError):
    """Everything that is wrong with a config."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The configuration has {count}; nothing was started.\n{lines}")
