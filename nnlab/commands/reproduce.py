"""`python -m nnlab.reproduce RUN_ID`: run a recorded run again, and compare the two to the last digit.

Exit status: 0 identical, 3 equal within the tolerance, 1 different, 2 cannot be tried.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from nnlab.analysis.reproduction.reproduce import attempt
from nnlab.commands.place_options import add_runs_dir
from nnlab.commands.reproduction_text import as_json, opening_lines, verdict_lines
from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.runs.stored_run import StoredRun
from nnlab.streams import write_line

STDERR = 2


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    options = _options(arguments)
    stored = StoredRun.open(options.run, options.runs_dir)
    try:
        tried = attempt(
            stored, tolerance=options.tolerance, tracking_uri=options.tracking_uri, data_root=options.data_root
        )
        if not options.json:
            _say(opening_lines(stored, tried))
        done = tried.execute(stdout=STDERR if options.json else None)
    except UserError as error:
        if options.json:
            print(json.dumps({"run": str(stored.path), "verdict": "cannot be tried", "missing": str(error)}, indent=2))
        raise
    if options.json:
        print(json.dumps(as_json(done), indent=2))
    else:
        _say(verdict_lines(done))
    return done.verdict.exit_status


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nnlab.reproduce", description=__doc__)
    parser.add_argument("run", metavar="RUN_ID", help="a run directory's name, an MLflow run id, or a path")
    parser.add_argument("--tolerance", type=_tolerance, metavar="X", help="numbers are equal within X of max(1, value)")
    parser.add_argument("--data-root", type=_path, metavar="PATH", help="where the run's data is now, if it was moved")
    add_runs_dir(parser)
    parser.add_argument("--tracking-uri", help="MLflow's tracking URI, for a run that has it without its password")
    parser.add_argument("--json", action="store_true", help="an object: verdict, facts, differences; the run on stderr")
    return parser.parse_args(arguments)


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, but got {text!r}")
    return value


def _path(text: str) -> Path:
    try:
        return expanded(text).absolute()
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        write_line(sys.stdout, line)
