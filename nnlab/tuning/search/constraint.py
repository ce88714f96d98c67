"""`sweep.constraint`: a condition on a trial's settings, as in `parameters < 50000 and optimizer.lr * 10 < 1`.

It is written like Python and read by Python's own parser, but nothing of it is ever run as code: of the syntax tree,
only comparisons, `and`, `or`, `not`, arithmetic, numbers, texts and names are taken, and computed here with floats.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nnlab.tuning.search.conditions import (
    Condition,
    Facts,
    Term,
    all_of,
    any_of,
    compared,
    computed,
    constant,
    opposite,
    value_of,
)

LONGEST = 1000
DEEPEST = 40
TOKENS = re.compile(r"""'[^']*'|"[^"]*"|[A-Za-z_]\w*(?:\.\w+)*|\d[\w.]*(?:(?<=[eE])[+-]\d+)?|#""", re.ASCII)
"""Texts, names with dots, numbers, and what starts a comment."""
SLIPS = {"=>": ">=", "=<": "<=", "<>": "!=", "(?<![<>=!])=(?!=)": "==", "&+": " and ", r"\|+": " or "}
"""What other languages write, and what Python does."""
EXAMPLE = "parameters < 50000"
WORDS = frozenset({"and", "or", "not"})

ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
EQUALITY = (ast.Eq, ast.NotEq)


class ConstraintError(Exception):
    """A text is no constraint: the rule that it breaks, and what to write instead.

    Attributes:
        rule: continues "sweep.constraint=...: ".
        nearest: a constraint to type; empty if none is near.
    """

    def __init__(self, rule: str, nearest: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.nearest = nearest


@dataclass(frozen=True)
class Constraint:
    """A condition that trials have to satisfy.

    Attributes:
        text: as it was written.
        names: whose values it needs.
        texts: those of them that are compared with a text, `optimizer == 'adam'`.
        numbers: those that numbers are computed from.
        condition: the condition itself, of the values by name.
    """

    text: str
    names: frozenset[str]
    texts: frozenset[str]
    numbers: frozenset[str]
    condition: Condition

    @classmethod
    def of(cls, text: str) -> Constraint:
        """Read a constraint.

        Raises:
            ConstraintError: if it is none.
        """
        if len(text) > LONGEST:
            raise ConstraintError(f"must have at most {LONGEST} characters, but has {len(text)}", EXAMPLE)
        names: list[str] = []
        try:
            tree = _tree(text, names)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise _unreadable(text) from error
        reader = _Reader(names)
        condition = reader.condition(tree, 0)
        return cls(text, frozenset(names), frozenset(reader.texts), frozenset(reader.numbers), condition)

    def holds(self, facts: Facts) -> bool:
        """Whether a trial satisfies it.

        A comparison with a value that the trial does not have says nothing of it: `optimizer.momentum < 0.5` does not
        keep trials without momentum away. One that cannot be computed (a division by zero) is not satisfied.

        Args:
            facts: gives the trial's value of a name.
        """
        return self.condition(facts) is not False


def _tree(text: str, names: list[str]) -> ast.expr:
    plain = TOKENS.sub(lambda part: _placeholder(part.group(), names), text)
    return ast.parse(" ".join(plain.split()), mode="eval").body


def _placeholder(part: str, names: list[str]) -> str:
    """Python's name for a name of the config, whose parts may be words of Python, or numbers (`model.width.0`)."""
    if part == "#":
        raise SyntaxError("a comment")
    if part in WORDS or not (part[0].isalpha() or part[0] == "_"):
        return part
    if part not in names:
        names.append(part)
    return f"n{names.index(part)}_"


class _Reader:
    """Makes functions of a syntax tree."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self.texts: set[str] = set()
        self.numbers: set[str] = set()

    def condition(self, node: ast.expr, depth: int) -> Condition:
        _check_depth(depth)
        match node:
            case ast.BoolOp(op, values):
                parts = [self.condition(value, depth + 1) for value in values]
                return all_of(parts) if isinstance(op, ast.And) else any_of(parts)
            case ast.UnaryOp(ast.Not(), operand):
                return opposite(self.condition(operand, depth + 1))
            case ast.Compare(left, operators, others):
                sides = [left, *others]
                pairs = zip(sides, operators, others, strict=False)
                return all_of([self._comparison(*pair, depth + 1) for pair in pairs])
        raise ConstraintError(
            f"must be a comparison, or several with and, or, not, but {self._shown(node)} is none", EXAMPLE
        )

    def _comparison(self, left: ast.expr, how: ast.cmpop, right: ast.expr, depth: int) -> Condition:
        if type(how) not in COMPARISONS:
            raise ConstraintError("compares by <, <=, >, >=, == and != alone", EXAMPLE)
        compare = COMPARISONS[type(how)]
        if not any(_is_text(side) for side in (left, right)):
            of_numbers = isinstance(how, EQUALITY) and isinstance(left, ast.Name) and isinstance(right, ast.Name)
            return compared(compare, self._term(left, depth, not of_numbers), self._term(right, depth, not of_numbers))
        if not isinstance(how, EQUALITY):
            raise ConstraintError("compares a text by == and != alone", "optimizer == 'adam'")
        if not any(isinstance(side, ast.Name) for side in (left, right)):
            raise ConstraintError("compares a text with a key", "optimizer == 'adam'")
        self.texts |= {self._name(side) for side in (left, right) if isinstance(side, ast.Name)}
        return compared(compare, self._text(left), self._text(right))

    def _text(self, node: ast.expr) -> Term:
        if isinstance(node, ast.Constant):
            return constant(str(node.value))
        return value_of(self._name(node))

    def _term(self, node: ast.expr, depth: int, is_number: bool = True) -> Term:
        _check_depth(depth)
        match node:
            case ast.Name():
                if is_number:
                    self.numbers.add(self._name(node))
                return value_of(self._name(node))
            case ast.Constant(bool() | int() | float() as value) if not isinstance(value, bool):
                return constant(_float(value))
            case ast.UnaryOp(sign, operand) if type(sign) in SIGNS:
                return computed(SIGNS[type(sign)], self._term(operand, depth + 1))
            case ast.BinOp(left, how, right) if type(how) in ARITHMETIC:
                return computed(ARITHMETIC[type(how)], self._term(left, depth + 1), self._term(right, depth + 1))
        raise ConstraintError(
            f"computes with numbers, names of keys and + - * / // % ** alone, but has {self._shown(node)}",
            EXAMPLE,
        )

    def _name(self, node: ast.expr) -> str:
        known = re.fullmatch(r"n(\d+)_", node.id, re.ASCII) if isinstance(node, ast.Name) else None
        if known is None:
            raise ConstraintError(f"must be about keys, and {self._shown(node)} is none", EXAMPLE)
        return self._names[int(known[1])]

    def _shown(self, node: ast.expr) -> str:
        """A part of the constraint as it was written, or nearly."""
        text = re.sub(r"\bn(\d+)_", lambda name: self._names[int(name[1])], ast.unparse(node))
        return text if len(text) <= 60 else f"{text[:60]}..."


def _float(value: float) -> float:
    with suppress(OverflowError):
        if math.isfinite(number := float(value)):
            return number
    raise ConstraintError("must have finite numbers", EXAMPLE)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise ConstraintError("is nested too deeply", EXAMPLE)


def _unreadable(text: str) -> ConstraintError:
    """What to raise for a text that Python cannot read."""
    mended = text
    for slip, meant in SLIPS.items():
        mended = re.sub(slip, meant, mended)
    mended = " ".join(mended.split())
    rule = "must be a comparison in Python's syntax, of parameters, multiplications or keys, and cannot be read"
    is_constraint = False
    if mended != text:
        with suppress(ConstraintError, SyntaxError, ValueError):
            _tree(mended, [])
            is_constraint = True
    return ConstraintError(rule, mended if is_constraint else EXAMPLE)
