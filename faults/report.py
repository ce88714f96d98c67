"""`docs/reliability.md`: promise, fault, rounds, and the figure of the last full run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faults.promise import Promise
from faults.trial import Verdict

HEADER = """# Reliability

What nnlab promises to survive, the damage that is done to show it, and what was seen. `make faults` does all of it, to
real processes, files and servers, and writes this page; CI does a sample of each. `python -m faults --only NAME`
repeats one, and `--seed` the same damage.

"""


def report(areas: Mapping[str, Iterable[Promise]], verdicts: Mapping[str, Verdict], facts: Iterable[str]) -> str:
    """The page.

    Args:
        areas: promises by the module that has them.
        verdicts: by name.
        facts: about the machine and the run, a line each.
    """
    lines = [HEADER + "\n".join(f"- {fact}" for fact in facts), ""]
    for area, promises in areas.items():
        lines += [f"## {area.capitalize().replace('_', ' ')}", ""]
        lines += ["| promise | fault | rounds | seen | seconds |", "|---|---|---:|---|---:|"]
        for promise in promises:
            verdict = verdicts[promise.name]
            seen = verdict.figure if verdict.outcome == "held" else f"**{verdict.outcome}**: {verdict.figure}"
            cells = (f"`{promise.name}`: {promise.promise}", promise.fault, f"{verdict.rounds:,}", seen)
            lines.append(f"| {' | '.join(map(_cell, cells))} | {verdict.seconds:.0f} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
