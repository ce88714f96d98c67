"""Putting promises to the test: each in a process of its own, so that none can disturb another."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from faults.promise import BrokenPromiseError, NotHereError, Promise, Work

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Verdict:
    """How a promise did.

    Args:
        name: of the promise.
        outcome: whether it held; "not here" where the damage cannot be done.
        figure: what was seen.
        rounds: how often the damage was done.
        seconds: how long that took.
    """

    name: str
    outcome: Literal["held", "broken", "not here"]
    figure: str
    rounds: int
    seconds: float


def put_to_the_test(promise: Promise, rounds: int, seed: int) -> Verdict:
    """Do a promise's damage in this process."""
    started = time.monotonic()
    outcome: Literal["held", "broken", "not here"] = "held"
    with tempfile.TemporaryDirectory(prefix=f"nnlab-{promise.name}-", ignore_cleanup_errors=True) as folder:
        try:
            figure = promise.do(Work(rounds, random.Random(f"{seed} {promise.name}"), Path(folder).resolve()))
        except NotHereError as error:
            outcome, figure = "not here", str(error)
        except BrokenPromiseError as error:
            outcome, figure = "broken", str(error)
        except Exception as error:  # the damage itself went wrong: nothing was shown
            outcome, figure = "broken", f"{type(error).__name__}: {error}"
    return Verdict(promise.name, outcome, figure, rounds, time.monotonic() - started)


def verdicts(
    promises: Iterable[Promise], rounds: Callable[[Promise], int], seed: int, processes: int
) -> Iterator[Verdict]:
    """The verdicts of promises, each found in a process of its own, in their order."""

    def verdict(promise: Promise) -> Verdict:
        command = [sys.executable, "-m", "faults", "--here", promise.name]
        command += ["--rounds", str(rounds(promise)), "--seed", str(seed)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("NNLAB_", "MLFLOW_"))}
        started = time.monotonic()
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        try:
            return Verdict(**json.loads(ended.stdout.splitlines()[-1]))
        except (ValueError, TypeError, IndexError):
            said = " ".join(ended.stderr.split())[-500:]
            figure = f"its process ended with status {ended.returncode}: {said}"
            return Verdict(promise.name, "broken", figure, rounds(promise), time.monotonic() - started)

    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(verdict, promises)


def as_line(verdict: Verdict) -> str:
    """A verdict as one line of JSON, as `verdicts` reads it."""
    return json.dumps(asdict(verdict))
