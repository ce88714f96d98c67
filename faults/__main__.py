"""`python -m faults [--sample] [--only NAME ...]`: do the damage that nnlab promises to survive; say what was seen."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from importlib import metadata

from faults.registry import areas, promises
from faults.report import report
from faults.trial import ROOT, Verdict, as_line, put_to_the_test, verdicts
from nnlab.cpu import usable_cores
from nnlab.runs.code import code_in_git

PAGE = ROOT / "docs" / "reliability.md"
PACKAGES = ("numpy", "mlflow", "optuna", "safetensors")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 1 if a promise is broken."""
    every = promises()
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="the few rounds of each that CI does")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*every], help=f"of {', '.join(every)}")
    parser.add_argument("--rounds", type=int, help="so many rounds instead of each promise's own number")
    parser.add_argument("--seed", type=int, default=0, help="of when and where (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=usable_cores(), help="promises at a time (default: the cores)")
    parser.add_argument("--here", choices=[*every], help=argparse.SUPPRESS)  # in this process, the verdict as JSON
    given = parser.parse_args(arguments)

    for number in (signal.SIGINT, signal.SIGHUP):  # ignored in a shell's background job, and so by what it starts
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if given.here:
        print(as_line(put_to_the_test(every[given.here], given.rounds, given.seed)), flush=True)
        return 0
    started, chosen = time.monotonic(), [every[name] for name in given.only or every]
    found: dict[str, Verdict] = {}
    for verdict in verdicts(
        chosen,
        lambda promise: given.rounds or (promise.sample if given.sample else promise.rounds),
        given.seed,
        given.processes,
    ):
        found[verdict.name] = verdict
        rounds, seconds = f"{verdict.rounds:,} rounds", f"{verdict.seconds:.0f} s"
        print(f"{verdict.name}: {verdict.outcome}, {rounds}, {seconds}: {verdict.figure}", flush=True)
    if not (given.only or given.sample or given.rounds):
        minutes = (time.monotonic() - started) / 60
        PAGE.write_text(report(areas(), found, _facts(given.seed, given.processes, minutes)), encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}")
    return int(any(verdict.outcome == "broken" for verdict in found.values()))


def _facts(seed: int, processes: int, minutes: float) -> list[str]:
    git = code_in_git()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    changes = " with uncommitted changes" if git.dirty == "true" else ""
    return [
        f"commit {git.commit[:12]}{changes}, {time.strftime('%Y-%m-%d')}",
        f"{usable_cores()} cores, {platform.machine()}, Linux {platform.release()}",
        f"Python {platform.python_version()}, {versions}",
        f"seed {seed}, {processes} promises at a time, {minutes:.0f} minutes, as user {os.getuid()}",
    ]


if __name__ == "__main__":
    sys.exit(main())
