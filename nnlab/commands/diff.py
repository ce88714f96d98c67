"""`python -m nnlab.diff A B`: what differs between two runs, and the first epoch and metric that differ."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from nnlab.analysis.diff import differences, parting
from nnlab.commands.place_options import add_runs_dir
from nnlab.runs.stored_run import StoredRun


def main(arguments: Sequence[str]) -> int:
    """The command; returns 0 even if the runs differ."""
    parser = argparse.ArgumentParser(prog="nnlab.diff", description=__doc__)
    parser.add_argument("runs", nargs=2, metavar="RUN_ID", help="a run directory's name, an MLflow run id, or a path")
    add_runs_dir(parser)
    parser.add_argument("--json", action="store_true", help="an object: runs, differences, parting")
    options = parser.parse_args(arguments)
    a, b = (StoredRun.open(run_id, options.runs_dir) for run_id in options.runs)
    found, part = differences(a, b), parting(a, b)
    if options.json:
        runs = [str(a.path), str(b.path)]
        print(json.dumps({"runs": runs, "differences": found, "parting": part}, indent=2))
        return 0
    rows = {"run": [f"{run.name} ({run.status_now})" for run in (a, b)], **found}
    first = f"{a.unit} {part[a.unit]}, {part['metric']}" if part else "metrics"
    rows[first] = part["values"] if part else [f"the same in {len(run.history)} {run.unit}s" for run in (a, b)]
    widths = [max(len(str(cell)) for cell in column) for column in (rows, (left for left, _ in rows.values()))]
    for name, (left, right) in rows.items():
        print(f"{name:<{widths[0]}}  {left!s:<{widths[1]}}  {right}")
    return 0
