"""Conditions on the keys of runs: `--where 'optimizer.lr<0.1'`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.config.keys import nearest_key
from nnlab.errors import UserError
from nnlab.wording import number_of

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FORM = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(!=|<=|>=|=|<|>)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """What a key of a run has to be.

    Attributes:
        text: as it was given.
        key: of the config, in full.
        sign: one of `=`, `!=`, `<`, `<=`, `>`, `>=`.
        value: as Hydra reads it; a list is a tuple.
    """

    text: str
    key: str
    sign: str
    value: Any

    @classmethod
    def parsed(cls, text: str) -> Condition:
        """A condition from the command line, its value in Hydra's grammar.

        Raises:
            UserError: if it is none.
        """
        found = FORM.fullmatch(text)
        if found is None or found[3].startswith("="):
            example = text.replace("==", "=", 1) if found else "optimizer.name=sgd"
            raise UserError(
                f"--where takes KEY=VALUE, with one of = != < <= > >= between them, but got {text!r}. Try {example!r}."
            )
        key, sign, value = found[1], found[2], _value(text, found[1], found[3].strip())
        if sign in ORDERS and not _is_number(value):
            raise UserError(
                f"--where {text!r}: {sign} compares numbers, but {found[3].strip()!r} is none. Use = or !=."
            )
        return cls(text, key, sign, value)

    def holds(self, run: RunFacts) -> bool:
        """Whether a run satisfies it; a key that the run does not have is equal to nothing."""
        has = self.key in run.keys
        found = run.keys.get(self.key)
        if self.sign in ORDERS:
            return has and _is_number(found) and ORDERS[self.sign](found, self.value)
        return (has and _equal(found, self.value)) == (self.sign == "=")


def satisfying(runs: Iterable[RunFacts], texts: Sequence[str]) -> list[RunFacts]:
    """The runs that satisfy every condition.

    Raises:
        UserError: if a text is no condition, names a key that no run has, or leaves no run.
    """
    left = list(runs)
    for condition in map(Condition.parsed, texts):
        check_key(condition.key, left)
        kept = [run for run in left if condition.holds(run)]
        if left and not kept:
            values = known_values(condition.key, left)
            raise UserError(
                f"No run satisfies --where {condition.text!r}: of {number_of(len(left), 'run')}, {condition.key} is "
                f"{values}. Change the condition, or leave it out."
            )
        left = kept
    return left


def check_key(key: str, runs: Sequence[RunFacts]) -> None:
    """Refuse a key that none of the runs has.

    Raises:
        UserError: with the nearest key that they have.
    """
    known = dict.fromkeys(name for run in runs for name in run.keys)
    if runs and key not in known:
        near = nearest_key(key, known)
        within = [name for name in known if name.startswith(f"{key}.")]
        remedy = f"Its keys: {', '.join(within)}" if within else f"The nearest is {near}" if near else "See --cfg job"
        raise UserError(
            f"A key must be one that the runs have, but none of {number_of(len(runs), 'run')} has {key!r}. {remedy}."
        )


def known_values(key: str, runs: Iterable[RunFacts], most: int = 8) -> str:
    """The values that a key has among runs, in words."""
    from nnlab.config.naming import value_text

    texts = list(dict.fromkeys(value_text(run.keys[key]) if key in run.keys else "absent" for run in runs))
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def _value(text: str, key: str, value: str) -> Any:
    from hydra.errors import HydraException

    from nnlab.config.overrides import parser
    from nnlab.config.quoting import to_paste

    try:
        override = parser().parse_override(f"{key}={value}")
        if override.is_sweep_override():
            raise UserError(f"--where {text!r} must have one value. Give --where once for each condition.")
        found = override.value()
    except (HydraException, RecursionError):
        raise UserError(
            f"--where {text!r}: the value is not valid in Hydra's grammar. Quote it: {to_paste(key, value)}."
        ) from None
    return _plain(found)


def _plain(value: Any) -> Any:
    from hydra.core.override_parser.types import QuotedString

    if isinstance(value, list):
        return tuple(map(_plain, value))
    return value.text if isinstance(value, QuotedString) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)
