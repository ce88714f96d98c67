"""Strict JSON: UTF-8, each key once, no NaN; whatever the bytes are, a value or one kind of error."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from nnlab.typed import MalformedError, typed


def read_json(data: bytes, shape: Any) -> Any:
    """What JSON says, of a declared type (see `nnlab.typed`).

    Raises:
        MalformedError: if the bytes are no JSON, or JSON of something else.
    """
    try:
        tree = _DECODER.decode(data.decode())
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


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
