"""`python -m nnlab.doctor [--json]`: check the machine, and say how to fix what is wrong."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

from nnlab.commands.place_options import add_runs_dir, add_tracking_uri
from nnlab.doctor.arithmetic import arithmetic
from nnlab.doctor.finding import Finding
from nnlab.doctor.storage import storage
from nnlab.doctor.versions import versions

MARKS = {"good": "ok", "note": "note", "problem": "PROBLEM"}


def main(arguments: Sequence[str]) -> int:
    """The command: a table, or JSON; returns exit status 1 only if results would be wrong or could not be stored."""
    parser = argparse.ArgumentParser(prog="nnlab.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="a list of objects: name, verdict, fact, remedy")
    add_runs_dir(parser)
    add_tracking_uri(parser)
    options = parser.parse_args(arguments)

    findings = [*arithmetic(), *storage(options.runs_dir, options.tracking_uri), *versions()]
    text = json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2)
    sys.stdout.write(f"{text if options.json else table(findings)}\n")
    return 1 if any(finding.verdict == "problem" for finding in findings) else 0


def table(findings: Sequence[Finding]) -> str:
    """One row per finding, its remedy below it."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.verdict]:<7}  {finding.name:<{width}}  {finding.fact}")
        if finding.remedy:
            lines.append(f"{'':<7}  {'':<{width}}  -> {finding.remedy}")
    return "\n".join(lines)
