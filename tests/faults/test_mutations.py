from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from faults.fuzzing import fuzz
from faults.mutations import MUTATIONS, mutated
from faults.promise import BrokenPromiseError
from nnlab.errors import UserError

SAMPLES = {
    "bytes": b"\x00\x01\x02",
    "text": b"a,b\n1,2\n",
    "json": b'{"a": [1, {"b": "c"}], "d": 2}',
    "json lines": b'{"a": 1}\n{"b": 2}\n',
    "yaml": b"a: 1\nb:\n- c\n",
    "safetensors": (2).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_damage_can_be_done_again_and_to_what_is_damaged_already(kind: str) -> None:
    samples = [SAMPLES[kind], b"", b"\xff", b"\n"]
    copies = [[mutated(sample, random, kind) for _ in range(500) for sample in samples] for random in map(Random, "aa")]
    assert copies[0] == copies[1]
    assert len(set(copies[0])) > 500


def test_some_damage_gets_past_a_parser_of_json() -> None:
    random, parsed = Random(0), 0
    for _ in range(300):
        try:
            json.loads(mutated(SAMPLES["json"], random, "json"))
        except (ValueError, RecursionError):
            continue
        parsed += 1
    assert 50 < parsed < 250


def refuses(data: bytes) -> object:
    raise UserError("file.json is damaged")


def test_a_reader_that_keeps_the_promise_is_counted() -> None:
    calls: list[bytes] = []

    def read(data: bytes) -> object:
        calls.append(data)
        return refuses(data) if len(calls) > 1 and len(calls) % 2 else data

    figure = fuzz(read, [b"ab"], 100, Random(0), named="file.json")
    assert figure.startswith("100 inputs: 50 read right, 50 refused with one message, 0 otherwise")


def fails(data: bytes) -> object:
    raise KeyError(len(data))


def eats(data: bytes) -> object:
    return None if data == b"ab" else len(bytearray(b"x" * 10**6) * 600)


@pytest.mark.parametrize(
    ("read", "found"),
    [(fails, "KeyError"), (eats, "MB"), (refuses, "does not name"), (lambda data: data, "is another value")],
)
def test_a_reader_that_breaks_it_is_told_with_the_input(read: Callable[[bytes], object], found: str) -> None:
    def reads(data: bytes) -> object:
        return None if data == b"ab" else read(data)

    def fault_in(data: bytes, value: object) -> str:
        return "is another value" if value is data else ""

    with pytest.raises(BrokenPromiseError, match=rf"input 0 of .*{found}"):
        fuzz(reads, [b"ab"], 100, Random(0), fault_in=fault_in, named="other.json")
