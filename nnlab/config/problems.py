"""What is wrong with a config: found together, told together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nnlab.errors import UserError

UNSET = object()
LONGEST = 200
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class ConfigProblem:
    """One broken rule.

    Args:
        key: where, in full (`optimizer.lr`).
        rule: what must hold.
        value: what was found; `UNSET` if there is no single value to show.
        nearest: the nearest valid choice, as something to do or to type.
    """

    key: str
    rule: str
    value: Any = UNSET
    nearest: str = ""

    def __str__(self) -> str:
        found = "" if self.value is UNSET else f"={shown(self.value)}"
        if len(found) > LONGEST:
            found = f"{found[:LONGEST]}..."
        remedy = f" Nearest valid: {self.nearest}." if self.nearest else ""
        return f"{self.key}{found}: {self.rule}.{remedy}"


def shown(value: Any) -> str:
    """A value as one would type it on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(shown(item) for item in value)}]"
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
