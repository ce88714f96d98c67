"""`python -m nnlab.compare A B`: is A better than B, over their seeds?"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence

from nnlab.analysis.comparison.by_name import compare_names
from nnlab.commands.compare_files import add_files, files_of, write_files
from nnlab.commands.compare_log import add_log, check_log, log
from nnlab.commands.place_options import add_runs_dir
from nnlab.streams import encodable, width_of, write_line

EPILOG = """\
A NAME is a RUN_ID, which stands for the run and all that differ from it in the
seed alone; a group, as -m prints it at its end; a study, which stands for its
winner; or RUN_ID,RUN_ID,... for just these. --by KEY compares the values of a
key of the config, over all runs of the folder or over those that are named; of
a study, over all trials."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns 0 whatever the answer is."""
    options = _options(arguments)
    files = files_of(options)
    check_log(options)
    found = compare_names(
        options.names,
        options.runs_dir,
        by=options.by or [],
        where=options.where,
        metric=options.metric,
        margin=options.margin,
        alone=options.alone,
    )
    if options.json:
        from nnlab.analysis.comparison.json_form import as_json

        print(json.dumps(as_json(found), indent=2))
    else:
        from nnlab.analysis.comparison.text import as_text

        print(encodable(as_text(found, width_of(sys.stdout)), sys.stdout))
    beside = sys.stderr if options.json else sys.stdout
    if written := write_files(found, files):
        write_line(beside, f"\nwritten: {', '.join(map(str, written))}")
    if options.log:
        for line in ("", *log(found, options, arguments)):
            write_line(beside, line)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nnlab.compare",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a run, a group, a study, or runs with commas")
    parser.add_argument("--by", action="append", metavar="KEY", help="compare the values of this key; repeatable")
    parser.add_argument(
        "--where",
        action="append",
        metavar="KEY=VALUE",
        default=[],
        help="only runs with this value; also != < <= > >=; repeatable",
    )
    parser.add_argument("--metric", help="default: the trainer.monitor of the runs")
    parser.add_argument("--margin", type=_margin, help="within which two groups are equal for practice, such as 0.001")
    parser.add_argument("--alone", action="store_true", help="a RUN_ID stands for that run only")
    add_runs_dir(parser)
    parser.add_argument("--json", action="store_true", help="an object: metric, groups, differences, mcnemar, notes")
    add_files(parser)
    add_log(parser)
    return parser.parse_args(arguments)


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, such as 0.001, but got {text!r}")
    return value
