"""`python -m experiments`: rerun the published systems and the questions beside them, and write down what is found."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nnlab.exit_status import exit_status
from nnlab.streams import work_is_kept

HOME = Path(__file__).resolve().parent
DATA = ("mnist", "mnist_5k", "idx", "csv", "npz")


def main() -> None:
    """The command."""
    with exit_status():
        sys.exit(experiments(sys.argv[1:]))


def experiments(arguments: Sequence[str]) -> int:
    """Do the studies, print their claims, write the report; returns the exit status."""
    given = _parser().parse_args(arguments)
    work_is_kept()

    from experiments.lab import SEEDS
    from experiments.laboratory import described, laboratory, studies_of
    from experiments.report import judged_by_study, write_report
    from experiments.session import do_studies
    from experiments.verdicts import tally

    began = time.monotonic()
    studies = studies_of(given.only)
    lab = laboratory(given)
    results = do_studies(studies, lab)
    is_whole = not (given.only or given.quick) and lab.seeds >= SEEDS
    out = given.out or (HOME if is_whole else Path(lab.runs_dir) / "experiments")
    write_report(results, lab, described(lab), out, into_readmes=out.resolve() == HOME)
    judged = [each for study in judged_by_study(results) for each in study]
    print("\n" + "\n".join(tally(judged)) + f"\nin {time.monotonic() - began:.0f} s")
    if lab.is_quick:
        print("of so little training nothing is to be expected: --quick shows that everything works")
    print(f"written: {out / 'RESULTS.md'}, results.csv and the figures")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Published systems rebuilt, each claim beside what nnlab measures, and questions of our own.",
    )
    parser.add_argument("--data", choices=DATA, default="mnist", help="the digits (default: full MNIST)")
    parser.add_argument("--root", help="the folder or file of idx, csv or npz")
    parser.add_argument("--only", action="append", metavar="NAME", help="a study; may be given several times")
    parser.add_argument("--seeds", type=int, help="runs of every variant (default 5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="little training: shows that everything works")
    parser.add_argument("--workers", type=int, help="runs at a time (default: one a core)")
    parser.add_argument("--out", type=Path, help="where the report goes (default: experiments/ if it is whole)")
    parser.add_argument("--runs-dir", help="the folder of the runs (default: NNLAB_RUNS_DIR, or runs)")
    parser.add_argument("--tracking-uri", help="MLflow's (default: MLFLOW_TRACKING_URI, or SQLite)")
    return parser


if __name__ == "__main__":
    main()
