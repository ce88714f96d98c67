"""RESULTS.md, results.csv, the figures, and the findings in each study's README: generated, never edited."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.claims import Measured, tally
from experiments.lab import Lab
from experiments.study import Findings, Study
from nnlab.tracking.files import write_atomically
from nnlab.tracking.plots import save

COLUMNS = (
    "claim", "source", "claimed", "mean", "std", "ci_low", "ci_high", "seeds", "reproduced", "seconds", "command",
)  # fmt: skip
BEGIN, END = "<!-- found: written by python -m experiments -->", "<!-- end of found -->"


@dataclass(frozen=True)
class Result:
    """A study and what it found."""

    study: Study
    findings: Findings


def write_report(results: Sequence[Result], lab: Lab, facts: Sequence[str], out: Path, *, into_readmes: bool) -> None:
    """Write everything into the folder `out`.

    Args:
        results: in the order of the table.
        lab: they come from.
        facts: lines on the data and the machine, for the head.
        out: is made if absent.
        into_readmes: whether the READMEs of the studies are to show these findings.
    """
    out.mkdir(parents=True, exist_ok=True)
    for result in results:
        (out / result.study.name).mkdir(exist_ok=True)
        for name, figure in result.findings.figures.items():
            save(figure, out / result.study.name / f"{name}.png")
    rows = [measured for result in results for measured in result.findings.measured]
    write_atomically(out / "results.csv", _csv(rows))
    write_atomically(out / "RESULTS.md", _markdown(results, lab, facts))
    if into_readmes:
        for result in results:
            _into_readme(result, result.study.folder / "README.md")


def _csv(rows: Sequence[Measured]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        low, high = row.interval
        numbers = [_number(number) for number in (row.claim.claimed, row.mean, row.std, low, high)]
        verdict = "yes" if row.is_reproduced else "no"
        facts = [len(row.values), verdict, f"{row.seconds:.1f}", row.command]
        table.writerow([row.claim.text, row.claim.source, *numbers, *facts])
    return text.getvalue()


def _number(number: float | None) -> str:
    return "" if number is None or math.isnan(number) else f"{number:.6g}"


def _markdown(results: Sequence[Result], lab: Lab, facts: Sequence[str]) -> str:
    rows = [measured for result in results for measured in result.findings.measured]
    lines = [
        f"# Results on {lab.data_name}" + (", QUICK: too little training to mean anything" if lab.is_quick else ""),
        "",
        "Written by `python -m experiments`; do not edit. A claim is reproduced when it lies in the measured range",
        "over the seeds, or is exceeded; one with ≤, when no seed is above it; one with >, when the whole 95 %",
        "confidence interval of the mean (Student's t) is above it. Seconds are those of training, all seeds together.",
        "",
        *(f"- {fact}" for fact in facts),
        f"- {tally(rows)}",
        "",
        *claims_table(rows),
        "",
    ]
    for is_own, title in ((False, "Not reproduced:"), (True, "Hypotheses that do not hold:")):
        missed = [row for row in rows if not row.is_reproduced and row.claim.is_own is is_own]
        if missed:
            lines += [title, ""]
            lines += [f"- **{row.claim.text}**: {row.reason or 'no reason is known'}" for row in missed]
            lines.append("")
    for result in results:
        lines += [f"## [{result.study.title}]({result.study.name}/README.md)", "", result.findings.found.strip(), ""]
        lines += [f"![{name}]({result.study.name}/{name}.png)\n" for name in result.findings.figures]
        lines += [f"    {command}" for command in dict.fromkeys(row.command for row in result.findings.measured)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def claims_table(rows: Sequence[Measured]) -> list[str]:
    """The claims as a table in Markdown, a line each."""
    lines = [
        "| claim | source | claimed | mean | std | 95 % interval | seeds | reproduced | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        decimals = row.claim.decimals
        claimed, mean, std, low, high = (
            "" if number is None or math.isnan(number) else f"{number:.{decimals}f}"
            for number in (row.claim.claimed, row.mean, row.std, *row.interval)
        )
        interval = f"{low} to {high}" if low else ""
        sign = {"reached": "", "bounded": "≤ ", "above": "> "}[row.claim.rule] if claimed else ""
        verdict = "yes" if row.is_reproduced else "**no**"
        words = [text.replace("|", "\\|") for text in (row.claim.text, row.claim.source)]
        cells = [*words, sign + claimed, mean, std, interval, str(len(row.values)), verdict]
        lines.append(f"| {' | '.join(cells)} | {row.seconds:.1f} |")
    return lines


def _into_readme(result: Result, path: Path) -> None:
    """Put the findings between the two marks of a README; what stands around them is written by hand."""
    figures = [f"![{name}]({name}.png)" for name in result.findings.figures]
    rows = claims_table(result.findings.measured) if result.findings.measured else []
    found = "\n".join([BEGIN, "", *rows, "", result.findings.found.strip(), "", *figures, "", END])
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{path} must hold the marks {BEGIN} and {END} once each, in this order.")
    write_atomically(path, pattern.sub(lambda _: found, text))
