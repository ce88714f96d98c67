"""`python -m nnlab.reproduce RUN_ID`: run a recorded run again, and compare the two to the last digit.

Also `--study NAME`, the winner of a study with all its seeds; `--study NAME --all`, every run of it; `--all`, every run
of the folder. Exit status: 0 identical, 3 equal within the tolerance, 1 different, 2 cannot be tried; of several runs
that of the worst: different, then those that cannot be tried, then equal.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nnlab.analysis.reproduction.sources import Places, Source, all_of_folder, of_study, one_run
from nnlab.analysis.reproduction.verdict import EXIT
from nnlab.commands.place_options import add_runs_dir
from nnlab.commands.reproduce_one import Ways, reproduce_source
from nnlab.commands.reproduction_text import as_json, summary_lines
from nnlab.errors import RunFailedError, UserError
from nnlab.paths import expanded
from nnlab.streams import write_line

WORST = ("different", "failed", "cannot be tried", "equal", "identical")
EXIT_STATUS = {**EXIT, "failed": 1, "cannot be tried": 2}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    options = _options(arguments)
    places = Places(options.runs_dir, options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI"))
    ways = Ways(
        tolerance=options.tolerance,
        data_root=options.data_root,
        tracking_uri=options.tracking_uri,
        in_worktree=options.worktree,
        trusts=options.trust,
        as_json=options.json,
    )
    try:
        if options.study is not None or options.all:
            return _several(_sources(options, places), ways, places)
        source = one_run(options.run, places)
        done = reproduce_source(source, ways, places)
    except (UserError, RunFailedError) as error:
        if options.json:
            _print({"run": options.run or options.study, "verdict": _word(error), "missing": str(error)})
        raise
    if options.json:
        _print(as_json(done, source.name_alone))
    return done.verdict.exit_status


def _sources(options: argparse.Namespace, places: Places) -> list[Source]:
    if options.study is None:
        return all_of_folder(places)
    return of_study(options.study, places, all_runs=options.all)


def _several(sources: Sequence[Source], ways: Ways, places: Places) -> int:
    """Reproduce runs one after another; returns the exit status of the worst verdict."""
    found: list[tuple[str, str]] = []
    answers = []
    for number, source in enumerate(sources, start=1):
        write_line(sys.stderr if ways.as_json else sys.stdout, f"[{number}/{len(sources)}] {source.name}")
        try:
            done = reproduce_source(source, ways, places)
        except (UserError, RunFailedError) as error:
            found.append((source.name, _word(error)))
            answers.append({"run": source.name, "verdict": _word(error), "missing": str(error)})
            write_line(sys.stderr, str(error))
        else:
            found.append((source.name, done.verdict.word))
            answers.append(as_json(done, source.name_alone))
    worst = next(word for word in WORST if any(each == word for _, each in found))
    if ways.as_json:
        _print({"verdict": worst, "runs": answers})
    else:
        for line in summary_lines(found):
            write_line(sys.stdout, line)
    return EXIT_STATUS[worst]


def _word(error: UserError | RunFailedError) -> str:
    """What stands in the place of a verdict."""
    return "cannot be tried" if isinstance(error, UserError) else "failed"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nnlab.reproduce", description=__doc__)
    parser.add_argument("run", nargs="?", metavar="RUN_ID", help="a run directory's name, an MLflow run id, or a path")
    parser.add_argument("--study", metavar="NAME", help="the winner of a study, all its seeds")
    parser.add_argument("--all", action="store_true", help="every run of the study, or of the folder of the runs")
    parser.add_argument("--worktree", action="store_true", help="with the recorded code: its commit and its changes")
    parser.add_argument("--trust", action="store_true", help="run recorded changes that somebody else may have written")
    parser.add_argument("--tolerance", type=_tolerance, metavar="X", help="numbers are equal within X of max(1, value)")
    parser.add_argument("--data-root", type=_path, metavar="PATH", help="where the run's data is now, if it was moved")
    add_runs_dir(parser)
    parser.add_argument(
        "--tracking-uri", help="MLflow's tracking URI: of runs whose directories are gone, or with its password"
    )
    parser.add_argument("--json", action="store_true", help="an object: verdict, facts, differences; the run on stderr")
    options = parser.parse_args(arguments)
    _check(options)
    return options


def _check(options: argparse.Namespace) -> None:
    if (options.run is not None) + (options.study is not None) + (options.all and options.study is None) != 1:
        raise UserError(
            "Say what to reproduce, one of: RUN_ID, a run; --study NAME, the winner of a study; --study NAME --all, "
            "every run of it; --all, every run of the folder."
        )
    if options.trust and not options.worktree:
        raise UserError(
            "--trust is about the code of a run, which only --worktree runs. Add --worktree, or leave it out."
        )
    if options.worktree and options.data_root is not None:
        raise UserError(
            "--worktree runs the recorded command as it is, so it takes no --data-root. Put the data where it was."
        )


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


def _print(answer: object) -> None:
    print(json.dumps(answer, indent=2))
