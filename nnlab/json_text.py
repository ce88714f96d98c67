"""Strict JSON: UTF-8, each key once, no NaN; whatever the bytes are, a value or one kind of error."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from nnlab.typed import MalformedError, typed


def read_json(data: bytes, shape: Any, *, not_finite_too: bool = False) -> Any:
    """What JSON says, of a declared type (see `nnlab.typed`).

    Args:
        data: UTF-8.
        shape: of the content.
        not_finite_too: allow NaN and Infinity, which Python's `json` writes and JSON does not have.

    Raises:
        MalformedError: if the bytes are no JSON, or JSON of something else.
    """
    try:
        tree = (_LAX_DECODER if not_finite_too else _DECODER).decode(data.decode())
    except UnicodeDecodeError:
        raise MalformedError("it is not UTF-8") from None
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"it is not JSON ({error})") from None
    except ValueError as error:
        raise MalformedError(f"it is not JSON as nnlab writes it ({error})") from None
    return typed(shape, tree)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large for a number")
    return number


_LAX_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite)
_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)
