"""Contestants side by side: each in a process of its own, one at a time, in turn, round after round."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import environment
from benchmarks.training.contestants.registry import CONTESTANTS, NNLAB, TORCH

TOLERANCE = 1e-4
"""Of the loss after the checked steps, relative to PyTorch's."""
REPOSITORY = Path(__file__).resolve().parents[2]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Seconds = dict[str, list[float]]
"""Of each contestant, one a round."""


@dataclass(frozen=True)
class Racer:
    """A contestant at work."""

    name: str
    process: subprocess.Popen[str]

    def answer(self, question: str) -> float:
        """Its answer.

        Raises:
            RuntimeError: if it has died.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{question}\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise RuntimeError(f"{CONTESTANTS[self.name].title} died over {question!r}") from error


def race(
    point: str, names: Sequence[str], *, threads: int, rounds: int, root: Path | None, question: str = "epoch {round}"
) -> Seconds:
    """Ask all contestants the same in turn, `rounds` times after a warm-up.

    Args:
        point: of `POINTS`.
        names: of `CONTESTANTS`.
        threads: processors that each may use.
        rounds: how often.
        root: the folder of the digits; None takes the embedded ones.
        question: of `child`, with the number of the round.

    Raises:
        RuntimeError: if a contestant does not learn what PyTorch learns, or dies.
    """
    with _racers(point, names, threads, root) as racers:
        racers = _checked(racers)
        seconds: Seconds = {racer.name: [] for racer in racers}
        for number in range(rounds + 1):
            for racer in racers if number % 2 else reversed(racers):
                answer = racer.answer(question.format(round=number))
                if number:  # the first is the warm-up
                    seconds[racer.name].append(answer)
        return seconds


def held_to(threads: int) -> dict[str, str]:
    """The environment of a process in which every library keeps to so many threads."""
    return environment() | {name: str(threads) for name in THREAD_VARIABLES} | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def _checked(racers: Sequence[Racer]) -> list[Racer]:
    """Those that learn what PyTorch learns; a peer that cannot even start here is left out, with a message."""
    losses: dict[str, float] = {}
    able = []
    for racer in racers:
        try:
            if CONTESTANTS[racer.name].trains:
                losses[racer.name] = racer.answer("check")
            able.append(racer)
        except RuntimeError as error:
            if racer.name == NNLAB:
                raise
            print(f"  left out: {error}", file=sys.stderr)
    right = losses.get(TORCH)
    for name, loss in losses.items():
        if right is not None and not math.isclose(loss, right, rel_tol=TOLERANCE):
            raise RuntimeError(
                f"after the same steps from the same weights {CONTESTANTS[name].title} has a loss of {loss:.6f}, but "
                f"PyTorch {right:.6f}: they do not do the same work"
            )
    return able


@contextmanager
def _racers(point: str, names: Sequence[str], threads: int, root: Path | None) -> Iterator[list[Racer]]:
    own = held_to(threads)
    with ExitStack() as stack:
        racers = []
        for name in names:
            command = [sys.executable, "-m", "benchmarks.training.child", name, point, str(threads)]
            command += [str(root)] if root else []
            process = subprocess.Popen(
                command, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                cwd=REPOSITORY,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            racers.append(Racer(name, process))
        yield racers
