"""RESULTS.md, results.csv, the figures, and the findings in each study's README: generated, never edited."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.claims_tables import claims_tables
from experiments.lab import Lab
from experiments.looks import Looks, told
from experiments.study import Findings, Study
from experiments.verdicts import LEVEL, Judged, judge, tally
from nnlab.plots import save
from nnlab.runs.files import write_atomically

COLUMNS = (
    "claim", "source", "claimed", "mean", "std", "ci_low", "ci_high", "seeds", "reproduced", "seconds", "command",
)  # fmt: skip
BEGIN, END = "<!-- found: written by python -m experiments -->", "<!-- end of found -->"

RULE = f"""\
Written by `python -m experiments`; do not edit. The rule, which was there before the runs (`experiments/verdicts.py`):

- **yes**: the mean over the seeds is within the claim's margin, or better than the claim. The margin is stated with
  the claim: for an accuracy half a unit of the last digit that is printed, and 1.96 standard errors of a share that was
  counted on the claim's test rows; for losses and times half a unit, and 1 % of the figure; for a bound (≥, ≤) nothing.
- **spread**: the mean is not within the margin, but the figure is that of a single run and lies in the 95 % prediction
  interval for one more run of ours. It says that such a run is nothing strange here, not that it is to be expected. A
  figure that was read off the best of several runs is held against our best run too, which stands beside it; one that
  was read off the best epoch, against each run's best epoch, which its text then says.
- **no**: neither.

Hypotheses of our own hold when the mean of the paired differences is above zero, and the p-value of Student's t test
(two-sided), corrected for the number of all hypotheses in this report by Holm's method, is at most {LEVEL}. Checks of
our own hold when every seed keeps to the bound. Neither is counted among the published claims. Every claim, hypothesis
and check has the same seeds. Questions of our own are answered on validation alone; test splits are evaluated for
published claims about them, once a run, after training. Seconds are those of training, all seeds together.
"""


@dataclass(frozen=True)
class Result:
    """A study and what it found.

    Attributes:
        study: which.
        findings: of it.
        looks: how often it evaluated a test split.
    """

    study: Study
    findings: Findings
    looks: Looks


def judged_by_study(results: Sequence[Result]) -> list[list[Judged]]:
    """The verdicts, study by study; all hypotheses together are one family."""
    judged = iter(judge([measured for result in results for measured in result.findings.measured]))
    return [[next(judged) for _ in result.findings.measured] for result in results]


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
    by_study = judged_by_study(results)
    write_atomically(out / "results.csv", _csv([judged for each in by_study for judged in each]))
    write_atomically(out / "RESULTS.md", _markdown(results, by_study, lab, facts))
    if into_readmes:
        for result, judged in zip(results, by_study, strict=True):
            _into_readme(result, judged, result.study.folder / "README.md")


def _csv(judged: Sequence[Judged]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for each in judged:
        row = each.measured
        numbers = [_number(number) for number in (row.claim.claimed, row.mean, row.std, *row.interval)]
        facts = [len(row.values), each.verdict, f"{row.seconds:.1f}", row.command]
        table.writerow([row.claim.text, row.claim.source, *numbers, *facts])
    return text.getvalue()


def _number(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.6g}"


def _markdown(results: Sequence[Result], by_study: Sequence[Sequence[Judged]], lab: Lab, facts: Sequence[str]) -> str:
    judged = [each for study in by_study for each in study]
    lines = [
        f"# Results on {lab.data_name}" + (", QUICK: too little training to mean anything" if lab.is_quick else ""),
        "",
        *(f"- **{line}**" for line in tally(judged)),
        *(f"- {fact}" for fact in facts),
        f"- {told([result.looks for result in results])}, all studies together",
        "",
        *RULE.splitlines(),
        "",
        *claims_tables(judged),
        *_missed(judged),
    ]
    for result in results:
        lines += [f"## [{result.study.title}]({result.study.name}/README.md)", "", *_found(result), ""]
        lines += [f"![{name}]({result.study.name}/{name}.png)\n" for name in result.findings.figures]
        lines += [f"    {command}" for command in dict.fromkeys(row.command for row in result.findings.measured)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _missed(judged: Sequence[Judged]) -> list[str]:
    """What is not simply reproduced, with the reason that the study knows; as lines."""
    lines: list[str] = []
    for verdict, title in (("spread", "Within the spread of single runs alone:"), ("no", "Not reproduced:")):
        missed = [each.measured for each in judged if each.verdict == verdict and each.measured.claim.is_published]
        lines += _list(title, [(row.claim.text, row.reason or "no reason is known") for row in missed])
    own = [each for each in judged if each.verdict == "no" and not each.measured.claim.is_published]
    return lines + _list("Of our own, what does not hold:", [(each.measured.claim.text, _why(each)) for each in own])


def _why(judged: Judged) -> str:
    row = judged.measured
    if row.claim.kind == "check":
        return row.reason or "no reason is known"
    if len(row.values) < 2:
        return "one seed tells nothing of a difference"
    if row.mean <= row.claim.claimed:
        return f"the mean difference, {row.mean:.{row.claim.decimals}f}, is not above zero"
    return f"p = {row.p:.2g}, and {judged.p:.2g} corrected for the number of hypotheses"


def _list(title: str, items: Sequence[tuple[str, str]]) -> list[str]:
    return [title, "", *(f"- **{text}**: {reason}" for text, reason in items), ""] if items else []


def _found(result: Result) -> list[str]:
    """What a study says of itself, and how often it has looked at a test split; as lines."""
    looks = told([result.looks])
    return [*result.findings.found.strip().splitlines(), "", f"{looks[0].upper()}{looks[1:]} in this study."]


def _into_readme(result: Result, judged: Sequence[Judged], path: Path) -> None:
    """Put the findings between the two marks of a README; what stands around them is written by hand."""
    figures = [f"![{name}]({name}.png)" for name in result.findings.figures]
    found = "\n".join([BEGIN, "", *claims_tables(judged), *_found(result), "", *figures, "", END])
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{path} must hold the marks {BEGIN} and {END} once each, in this order.")
    write_atomically(path, pattern.sub(lambda _: found, text))
