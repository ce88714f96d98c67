"""Damage to a file: what a bad disk, an editor, a careless script or somebody with bad intentions does to its bytes.

`mutated(sample, random, "json")` gives one damaged copy. What is done depends on the kind of file, so that some of the
damage gets past its parser: of JSON a value becomes one of another type, of YAML an alias of itself, and so on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.0, 1.5, -0.5, 0.0, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, -(10**30), 10**400),
    *(1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *("", " ", "0", "1", "1.5", "nan", "true", "null", "text", "\x00", "\n", "é", "\U0001f600", "\ud800", "../../etc"),
    *([], [1], ["a"], [[]], [None], {}, {"a": 1}, {"": None}),
)
"""Stand in for a value of JSON; most are of another type, or beyond any bound."""

ODD_TEXTS: tuple[bytes, ...] = (
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", "\u2028".encode(), "\u202e".encode(), b"\x1b[2J"),
    *(b"\n", b"\r", b"\r\n", b"\t", b" ", b'"', b"'", b",", b":", b"{", b"}", b"[", b"]", b"\\", b"#", b"-", b"."),
    *(b"\\u0000", b"\\ud800", b"null", b"true", b"NaN", b"Infinity", b"-", b"1e400", b"e", b"0x", b"_"),
)
"""Put somewhere into a text."""

ODD_NUMBERS: tuple[bytes, ...] = (
    *(b"0", b"-1", b"1.5", b"1e3", b"1e400", b"-1e400", b"5e-324", b"00", b"0x10", b"1_0", b"NaN", b"-Infinity", b"1e"),
    *(b"true", b'"1"', b"2147483648", b"9223372036854775808", b"1" + b"0" * 30, b"1" + b"0" * 5000, b"\xd9\xa3"),
)
"""Stand in for a number that is written in a text."""

ODD_YAML: tuple[bytes, ...] = (
    *(b"&a [*a]", b"*a", b"&a 1", b"!!python/object/apply:os.system [exit]", b"!!python/name:os.system", b"!!set {a}"),
    *(b"!!binary aGk=", b"!!int x", b"!!float 1", b"!!str 1", b"!x 1", b"2001-01-01", b"2001-01-01 00:00:00", b"1:30"),
    *(b"0o17", b"017", b"0x1F", b"0b1", b"1_000", b".nan", b".inf", b"-.inf", b"1e400", b"1e3", b"~", b"yes", b"="),
    *(b"? [a]\n: b", b"<<: {a: 1}", b"{a: 1, a: 2}", b"{1: 2}", b"{[a]: b}", b"[1, [2, [3]]]", b"{}", b"[]", b""),
    *(b"|\n  text", b"'text'", b'"\\0"', b'"\\uD800"', b'"\\x1b"', b"\n---\n", b"\n...\n", b"%YAML 9.9", b"- - -"),
)
"""Stand in for a value of YAML."""

BILLION_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (letter, letter, b",".join([b"*%c" % (letter - 1)] * 9)) for letter in range(ord("b"), ord("k"))
)
DEPTHS = (10, 100, 1000, 100_000)
_NUMBER = re.compile(rb"[0-9]+")


def mutated(sample: bytes, random: Random, kind: str = "bytes") -> bytes:
    """A damaged copy of a sample: damaged once, sometimes several times.

    Args:
        sample: what the file holds.
        random: decides how and where.
        kind: of file, one of `MUTATIONS`.
    """
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        sample = random.choice(MUTATIONS[kind])(sample, random)
    return sample


def flip_bit(data: bytes, random: Random) -> bytes:
    """What a bad disk or memory does."""
    if not data:
        return data
    damaged = bytearray(data)
    damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def overwrite(data: bytes, random: Random) -> bytes:
    """Zeros (a file system after a crash) or noise, in some place."""
    start, count = random.randrange(len(data) + 1), random.choice((1, 4, 64))
    count = min(count, len(data) - start)
    return data[:start] + (bytes(count) if random.random() < 0.5 else random.randbytes(count)) + data[start + count :]


def truncate(data: bytes, random: Random) -> bytes:
    """A write that a kill or a full disk cut short."""
    return data[: random.randrange(len(data) + 1)]


def delete(data: bytes, random: Random) -> bytes:
    """A part is missing."""
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 2, 8, 64)) :]


def insert(data: bytes, random: Random) -> bytes:
    """Something odd in some place, or noise."""
    text = random.choice(ODD_TEXTS) if random.random() < 0.9 else random.randbytes(8)
    place = random.randrange(len(data) + 1)
    return data[:place] + text + data[place:]


def repeat(data: bytes, random: Random) -> bytes:
    """A part, or all of it, twice."""
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((1, 8, 64)))
    return data + data if random.random() < 0.1 else data[:end] + data[start:]


def nest(data: bytes, random: Random) -> bytes:
    """Deep nesting."""
    depth, place = random.choice(DEPTHS), random.randrange(len(data) + 1)
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"- ", b""), (b"(", b")")))
    middle = data[place:] if random.random() < 0.5 else b"1" + closing * depth + data[place:]
    return data[:place] + opening * depth + middle


def shuffle_lines(data: bytes, random: Random) -> bytes:
    """A line is missing, there twice, or in another's place."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(3):
        case 0:
            del lines[a]
        case 1:
            lines.insert(b, lines[a])
        case _:
            lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def change_number(data: bytes, random: Random) -> bytes:
    """One number of a text becomes another, or none."""
    places = [found.span() for found in _NUMBER.finditer(data)]
    if not places:
        return data
    start, end = random.choice(places)
    return data[:start] + random.choice(ODD_NUMBERS) + data[end:]


def change_json(data: bytes, random: Random) -> bytes:
    """One value of a JSON document becomes another, goes, comes twice, or gets another name."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return insert(data, random)
    return json.dumps(_changed(tree, random), indent=random.choice((None, 2))).encode()


def change_json_line(data: bytes, random: Random) -> bytes:
    """The same, of one line of a file that has a document in each."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    place = random.randrange(len(lines))
    try:
        tree = json.loads(lines[place])
    except (ValueError, RecursionError):
        return shuffle_lines(data, random)
    lines[place] = json.dumps(_changed(tree, random)).encode() + b"\n"
    return b"".join(lines)


def change_yaml(data: bytes, random: Random) -> bytes:
    """One value of a YAML document becomes something odd; or its start is a small text that stands for a huge one."""
    if random.random() < 0.05:
        return BILLION_LAUGHS + data
    lines = data.split(b"\n")
    place = random.randrange(len(lines))
    marks = [mark for mark in (b": ", b"- ") if mark in lines[place]]
    start = lines[place].index(marks[0]) + 2 if marks else len(lines[place])
    lines[place] = lines[place][:start] + random.choice(ODD_YAML)
    return b"\n".join(lines)


def change_safetensors_header(data: bytes, random: Random) -> bytes:
    """The header of a safetensors file says something else than its data, or has another length than it says."""
    size = int.from_bytes(data[:8], "little")
    if random.random() < 0.3 or len(data) < 8 + size:
        size = random.choice((0, 1, size - 1, size + 1, len(data), 2**31, 2**63 - 1, 2**64 - 1)) % 2**64
        return size.to_bytes(8, "little") + data[8:]
    header = change_json(data[8 : 8 + size], random)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _changed(tree: Any, random: Random) -> Any:
    """A tree of JSON with one change, in a random place."""
    inner = list(_containers(tree))
    if not inner:
        return random.choice(ODD_VALUES)
    chosen = random.choice(inner)
    keys: list[Any] = list(chosen) if isinstance(chosen, dict) else list(range(len(chosen)))
    if not keys:
        return random.choice(ODD_VALUES)
    key = random.choice(keys)
    match random.randrange(8):
        case 0:
            del chosen[key]
        case 1 if isinstance(chosen, dict):
            chosen[random.choice((*map(str, ODD_VALUES[:8]), key + "x"))] = chosen.pop(key)
        case 2:
            chosen[key] = chosen[random.choice(keys)]
        case 3:
            chosen[key] = random.choice(([chosen[key]], {"a": chosen[key]}, str(chosen[key])))
        case _:
            chosen[key] = random.choice(ODD_VALUES)
    return tree


def _containers(tree: Any) -> Iterator[Any]:
    """The lists and mappings of a tree, without recursion: it may be deep."""
    left = [tree]
    while left:
        found = left.pop()
        if isinstance(found, dict | list):
            yield found
            left.extend(found.values() if isinstance(found, dict) else found)


_OF_BYTES: tuple[Mutation, ...] = (flip_bit, overwrite, truncate, delete, insert, repeat)
_OF_TEXTS = (*_OF_BYTES, shuffle_lines, change_number, nest)

MUTATIONS: Mapping[str, tuple[Mutation, ...]] = {
    "bytes": _OF_BYTES,
    "text": _OF_TEXTS,
    "json": (*_OF_TEXTS, *[change_json] * 8),
    "json lines": (*_OF_TEXTS, *[change_json_line] * 8),
    "yaml": (*_OF_TEXTS, *[change_yaml] * 6),
    "safetensors": (*_OF_BYTES, *[change_safetensors_header] * 6),
}
"""What is done to each kind of file."""
