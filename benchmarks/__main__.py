"""`python -m benchmarks [NAME ...] [--quick] [--data idx --root DIR]`: measure, and print tables of ratios."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench, Data
from benchmarks.machine import described_machine, load
from benchmarks.registry import BENCHMARKS
from benchmarks.report import NAME, Report
from benchmarks.training.tables import missing_peers

ROOT = Path(__file__).resolve().parents[1]
SHARED_MNIST = ROOT.parent / "shared" / "data" / "mnist"
KEPT, UNFINISHED = ROOT / "benchmarks", ROOT / "runs" / "bench"
"""Where the report of all benchmarks is kept, and where partial and unfinished ones go."""
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=_description(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--quick", action="store_true", help="one small round of each, to check that it works")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"rounds that medians are taken over (default {ROUNDS})"
    )
    parser.add_argument("--data", choices=["idx", "digits"], help="full MNIST in idx files, or the embedded digits")
    parser.add_argument("--root", type=Path, help="the folder of the idx files")
    parser.add_argument(
        "--out", type=Path, help="where RESULTS.md goes (default: benchmarks/ if all are run, else runs/bench/)"
    )
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark named {', '.join(unknown)}; the benchmarks are {', '.join(BENCHMARKS)}")
    if (given.data == "idx") != (given.root is not None):
        parser.error("--data idx and --root DIR belong together")
    if given.root is not None and not given.root.is_dir():
        parser.error(f"--root must be a folder, but there is no {given.root}")
    if given.rounds < 1:
        parser.error(f"--rounds must be at least 1, but is {given.rounds}")
    report = Report.on(described_machine(), KEPT)
    print(report.machine, flush=True)
    for library in missing_peers():
        print(f"left out: {library} is not installed (make bench installs it)", flush=True)
    out = given.out or (None if given.quick else UNFINISHED)
    with tempfile.TemporaryDirectory(prefix="nnlab-bench-") as folder:
        bench = Bench(_data(given.data, given.root), 1 if given.quick else given.rounds, given.quick, Path(folder))
        for name in given.names or BENCHMARKS:
            before = load()
            try:
                table = BENCHMARKS[name](bench)
            except RuntimeError as error:
                sys.exit(f"{name}: {error}")
            print(f"\n{report.add(name, table, (before, load()))}", flush=True)
            if out is not None:  # after each: a failure must not lose an hour's work
                report.write(out, bench.figures)
        if out is UNFINISHED and not given.names:
            out = KEPT
            report.write(KEPT, bench.figures)
        if out is not None:
            print(f"\nwritten: {out / NAME}")


def _data(choice: str | None, root: Path | None) -> Data:
    """The requested data, else full MNIST if it is there, else the embedded digits."""
    if root is None and choice is None and SHARED_MNIST.is_dir():
        root = SHARED_MNIST
    if root is None:
        return Data("embedded digits, NOT full MNIST", ("data=digits",), None, is_mnist=False)
    root = root.resolve()
    return Data("full MNIST", ("data=idx", f"data.root={root}"), root, is_mnist=True)


def _description() -> str:
    width = max(map(len, BENCHMARKS))
    lines = [f"  {name:{width}}  {(function.__doc__ or '').splitlines()[0]}" for name, function in BENCHMARKS.items()]
    return "Benchmarks:\n" + "\n".join(lines)


if __name__ == "__main__":
    main()
