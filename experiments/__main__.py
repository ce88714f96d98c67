"""`python -m experiments`: rerun published systems and questions of nnlab's own, and write a report of the results."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nnlab.exit_status import exit_status
from nnlab.streams import work_is_kept

HOME = Path(__file__).resolve().parent


def main() -> None:
    """The command."""
    with exit_status():
        sys.exit(experiments(sys.argv[1:]))


def experiments(arguments: Sequence[str]) -> int:
    """Run the experiments, print their claims, write the report; returns the exit status."""
    given = _parser().parse_args(arguments)
    work_is_kept()

    from experiments.facts import described
    from experiments.lab import SEEDS, lab_of
    from experiments.registry import named
    from experiments.report import judged_by_experiment, write_report
    from experiments.running import run_experiments
    from experiments.verdicts import tally

    started = time.monotonic()
    chosen = named(given.only)
    lab = lab_of(given)
    answers = run_experiments(chosen, lab)
    is_whole = not (given.only or given.quick) and lab.seeds >= SEEDS
    out = given.out or (HOME if is_whole else Path(lab.runs_dir) / "experiments")
    write_report(answers, lab, described(lab), out, into_readmes=out.resolve() == HOME)
    judged = [each for experiment in judged_by_experiment(answers) for each in experiment]
    print("\n" + "\n".join(tally(judged)) + f"\nin {time.monotonic() - started:.0f} s")
    if lab.is_quick:
        print("--quick only checks that everything works: with so little training the figures mean nothing")
    print(f"written: {out / 'RESULTS.md'}, results.csv and the figures")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Published systems rebuilt, each claim beside what nnlab measures, and questions of our own.",
    )
    parser.add_argument(
        "--data",
        choices=("mnist", "mnist_5k", "idx", "csv", "npz"),
        default="mnist",
        help="the digits (default: full MNIST)",
    )
    parser.add_argument("--root", help="the folder or file, for idx, csv and npz")
    parser.add_argument("--only", action="append", metavar="NAME", help="an experiment; may be given several times")
    parser.add_argument("--seeds", type=int, help="runs per variant (default 5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="little training, to check that everything works")
    parser.add_argument("--workers", type=int, help="parallel runs (default: one per core)")
    parser.add_argument("--out", type=Path, help="folder of the report (default: experiments/ if it is complete)")
    parser.add_argument("--runs-dir", help="the folder of the runs (default: NNLAB_RUNS_DIR, or runs)")
    parser.add_argument("--tracking-uri", help="MLflow's tracking URI (default: MLFLOW_TRACKING_URI, or SQLite)")
    return parser


if __name__ == "__main__":
    main()
