"""The YAML that nnlab writes, read back: plain values, each key once, no aliases, no tags.

Read from the parser's events, without recursion: a text whose aliases stand for a billion values is refused where its
first alias stands, and one that is nested a hundred thousand deep where it gets too deep.
"""

from __future__ import annotations

import functools
import math
import re
from typing import Any

import yaml

from nnlab.typed import DEEPEST, MalformedError, typed

SHORT = 40
"""Characters of a value that is remembered: the configs of many runs say the same."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_WORDS = {"true": True, "false": False, "null": None}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,308})")
_NUMBER = re.compile(r"-?[0-9]{1,400}\.[0-9]{1,400}(?:e[-+][0-9]{1,3})?")


def read_yaml(data: bytes, shape: Any) -> Any:
    """What YAML says, of a declared type (see `nnlab.typed`).

    Raises:
        MalformedError: if the bytes are no YAML as nnlab writes it, or YAML of something else.
    """
    try:
        tree = _tree(data.decode())
    except UnicodeDecodeError:
        raise MalformedError("it is not UTF-8") from None
    except yaml.YAMLError as error:
        raise MalformedError(f"it is not YAML ({' '.join(str(error).split())})") from None
    return typed(shape, tree)


def _tree(text: str) -> Any:
    loader = _LOADER(text)
    try:
        return _document(loader)
    finally:
        loader.dispose()


def _document(loader: Any) -> Any:
    """The only document of a stream."""
    found: list[Any] = []
    open_: list[_Open] = [_Open(found)]
    documents = 0
    while True:
        event = loader.get_event()
        kind = type(event)
        if kind is yaml.ScalarEvent:
            _check_bare(event)
            read = _short if len(event.value) <= SHORT else _plain
            open_[-1].add(read(event.value) if event.implicit[0] else event.value)
        elif kind in (yaml.SequenceStartEvent, yaml.MappingStartEvent):
            _check_bare(event)
            container: list[Any] | dict[str, Any] = [] if kind is yaml.SequenceStartEvent else {}
            open_[-1].add(container)
            open_.append(_Open(container))
            if len(open_) > DEEPEST + 1:
                raise MalformedError("it is nested too deeply")
        elif kind in (yaml.SequenceEndEvent, yaml.MappingEndEvent):
            open_.pop()
        elif kind is yaml.AliasEvent:
            raise MalformedError("it has an alias, which nnlab does not write")
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise MalformedError("it has several documents")
        elif kind is yaml.StreamEndEvent:
            return found[0] if found else None


class _Open:
    """A list or mapping that is being filled."""

    def __init__(self, container: list[Any] | dict[str, Any]) -> None:
        self._container = container
        self._key: Any = None

    def add(self, value: Any) -> None:
        if isinstance(self._container, list):
            self._container.append(value)
        elif self._key is None:
            if not isinstance(value, str):
                raise MalformedError("it has a key that is no text")
            if value in self._container:
                raise MalformedError(f"it has the key {value[:80]!r} twice")
            self._key = value
        else:
            self._container[self._key] = value
            self._key = None


def _check_bare(event: Any) -> None:
    if event.tag is not None or event.anchor is not None:
        raise MalformedError("it has a tag or an anchor, which nnlab does not write")


def _plain(text: str) -> Any:
    """What text without quotes stands for, as nnlab writes it: YAML itself has many more ways to write a number."""
    kind = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if kind == "tag:yaml.org,2002:str":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    raise MalformedError(f"it has {text[:80]!r}, which nnlab does not write")


_short = functools.lru_cache(maxsize=4096)(_plain)
