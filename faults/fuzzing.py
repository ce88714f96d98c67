"""Reading damaged files: a reader gives the right data or one message, and neither takes long nor much memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from random import Random

from faults.mutations import mutated
from faults.promise import BrokenPromiseError
from nnlab.errors import UserError

SECONDS = 2.0
"""Of the processor, that reading one input takes at most."""
MEGABYTES = 200
"""By which reading one input lets the process grow at most."""
LONGEST_MESSAGE = 1500
SHOWN = 400
"""How many characters of an input are shown that was not read as promised."""


def fuzz(
    read: Callable[[bytes], object],
    samples: Sequence[bytes],
    rounds: int,
    random: Random,
    *,
    kind: str = "bytes",
    fault_in: Callable[[bytes, object], str] = lambda data, value: "",
    named: str = "",
) -> str:
    """Let a reader read damaged copies of the samples; returns the figure.

    Args:
        read: reads what it is given, say by way of a file; raises UserError to refuse it.
        samples: undamaged, and read as they are first.
        rounds: how many damaged copies.
        random: decides on the damage.
        kind: of the samples, see `faults.mutations.MUTATIONS`.
        fault_in: says what is wrong with the data that was read from these bytes; empty if nothing is.
        named: what every message has to contain, such as the name of the file.

    Raises:
        BrokenPromiseError: with the input, at the first that was read wrongly, refused otherwise, or took too much.
    """
    for sample in samples:
        if fault := fault_in(sample, read(sample)):
            raise BrokenPromiseError(f"undamaged: {fault}")
    refused, slowest, before = 0, 0.0, _peak()
    for number in range(rounds):
        data = mutated(random.choice(samples), random, kind)
        started, peak = time.thread_time(), _peak()
        try:
            fault = fault_in(data, read(data))
        except UserError as error:
            refused += 1
            fault = _fault_in_message(str(error), named)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        seconds, grown = time.thread_time() - started, _peak() - peak
        slowest = max(slowest, seconds)
        if not fault and seconds > SECONDS:
            fault = f"it took {seconds:.1f} s"
        if not fault and grown > MEGABYTES:
            fault = f"it took {grown:.0f} MB"
        if fault:
            raise BrokenPromiseError(f"input {number} of {len(data)} bytes, {data[:SHOWN]!r}: {fault[:SHOWN]}")
    return (
        f"{rounds:,} inputs: {rounds - refused:,} read right, {refused:,} refused with one message, 0 otherwise; "
        f"the slowest took {1000 * slowest:.0f} ms, all together {_peak() - before:.0f} MB"
    )


def _fault_in_message(message: str, named: str) -> str:
    if named not in message:
        return f"the message does not name {named}: {message}"
    if len(message) > LONGEST_MESSAGE:
        return f"a message of {len(message)} characters: {message}"
    return "" if message.isprintable() else f"the message is not printable: {message!r}"


def _peak() -> float:
    """The most memory that this process has had so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
