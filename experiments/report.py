"""RESULTS.md, results.csv, the figures, and the findings in each experiment's README: generated, never edited."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.experiment import Answer, Evaluations
from experiments.lab import Lab
from experiments.tables import claims_tables
from experiments.verdicts import Judged, judge, tally
from nnlab.plots import save
from nnlab.runs.files import write_atomically
from nnlab.stats import LEVEL

COLUMNS = (
    "claim", "source", "claimed", "mean", "std", "ci_low", "ci_high", "seeds", "reproduced", "seconds", "command",
)  # fmt: skip
BEGIN, END = "<!-- found: written by python -m experiments -->", "<!-- end of found -->"

RULE = f"""\
Written by `python -m experiments`; do not edit. The rule, which was fixed before the runs (`experiments/verdicts.py`):

- **yes**: the mean over the seeds is within the claim's margin, or better than the claim. The margin is stated with
  the claim: for an accuracy half a unit of the last digit that is printed, and 1.96 standard errors of a share that was
  counted on the claim's test rows; for losses and times half a unit, and 1 % of the figure; for a bound (≥, ≤) nothing.
- **spread**: the mean is not within the margin, but the figure is that of a single run and lies in the 95 % prediction
  interval for one more run of ours. It says that such a run is not unusual here, not that it is to be expected. A
  figure that is the best of several runs is compared with our best run too, which is also shown; one that is of the
  best epoch, with each run's best epoch, which its text then says.
- **no**: neither.

Hypotheses of our own hold when the mean of the paired differences is above zero, and the p-value of Student's t test
(two-sided), corrected for the number of all hypotheses in this report by Holm's method, is at most {LEVEL}. Checks of
our own hold when every seed meets the bound. Neither is counted among the published claims. Every claim, hypothesis
and check has the same seeds. Questions of our own are answered on validation alone; test splits are evaluated for
published claims about them, once a run, after training. Seconds are those of training, all seeds together.
"""


def judged_by_experiment(answers: Sequence[Answer]) -> list[list[Judged]]:
    """The verdicts, experiment by experiment; all hypotheses together are one family."""
    judged = iter(judge([measured for answer in answers for measured in answer.findings.measured]))
    return [[next(judged) for _ in answer.findings.measured] for answer in answers]


def write_report(answers: Sequence[Answer], lab: Lab, facts: Sequence[str], out: Path, *, into_readmes: bool) -> None:
    """Write everything into the folder `out`.

    Args:
        answers: in the order of the table.
        lab: in which they were found.
        facts: lines on the data and the machine, for the head.
        out: created if it does not exist.
        into_readmes: whether to write the findings into the READMEs of the experiments, too.
    """
    out.mkdir(parents=True, exist_ok=True)
    for answer in answers:
        (out / answer.experiment.name).mkdir(exist_ok=True)
        for name, figure in answer.findings.figures.items():
            save(figure, out / answer.experiment.name / f"{name}.png")
    by_experiment = judged_by_experiment(answers)
    write_atomically(out / "results.csv", _csv([judged for each in by_experiment for judged in each]))
    write_atomically(out / "RESULTS.md", _markdown(answers, by_experiment, lab, facts))
    if into_readmes:
        for answer, judged in zip(answers, by_experiment, strict=True):
            _into_readme(answer, judged, answer.experiment.folder / "README.md")


def _csv(judged: Sequence[Judged]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for each in judged:
        row, sample = each.measured, each.measured.sample
        numbers = [_number(number) for number in (row.claim.claimed, sample.mean, sample.sd, *sample.interval)]
        facts = [len(row.values), each.verdict, f"{row.seconds:.1f}", row.command]
        table.writerow([row.claim.text, row.claim.source, *numbers, *facts])
    return text.getvalue()


def _number(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.6g}"


def _markdown(
    answers: Sequence[Answer], by_experiment: Sequence[Sequence[Judged]], lab: Lab, facts: Sequence[str]
) -> str:
    judged = [each for experiment in by_experiment for each in experiment]
    lines = [
        f"# Results on {lab.data_name}" + (", QUICK: too little training to mean anything" if lab.is_quick else ""),
        "",
        *(f"- **{line}**" for line in tally(judged)),
        *(f"- {fact}" for fact in facts),
        f"- {evaluations_text([answer.findings.evaluations for answer in answers])}, all experiments together",
        "",
        *RULE.splitlines(),
        "",
        *claims_tables(judged),
        *_missed(judged),
    ]
    for answer in answers:
        lines += [f"## [{answer.experiment.title}]({answer.experiment.name}/README.md)", "", *_found(answer), ""]
        lines += [f"![{name}]({answer.experiment.name}/{name}.png)\n" for name in answer.findings.figures]
        lines += [f"    {command}" for command in dict.fromkeys(row.command for row in answer.findings.measured)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _missed(judged: Sequence[Judged]) -> list[str]:
    """What is not simply reproduced, with the reason if it is known, as lines; without hypotheses, where p says it."""
    lines: list[str] = []
    for verdict, title in (("spread", "Within the spread of single runs only:"), ("no", "Not reproduced:")):
        missed = [each.measured for each in judged if each.verdict == verdict]
        reasons = [
            f"- **{row.claim.text}**: {row.reason or 'no reason is known'}"
            for row in missed
            if row.claim.kind != "hypothesis"
        ]
        lines += [title, "", *reasons, ""] if reasons else []
    return lines


def _found(answer: Answer) -> list[str]:
    """What no table of claims and no figure shows, and how often test splits were evaluated; as lines."""
    sentence = evaluations_text([answer.findings.evaluations])
    found = answer.findings.found.strip().splitlines()
    return [*found, *([""] if found else []), f"{sentence[0].upper()}{sentence[1:]} in this experiment."]


def evaluations_text(evaluations: Sequence[Evaluations]) -> str:
    """The sum of several experiments' evaluations, in words."""
    total: Counter[str] = Counter()
    for each in evaluations:
        total.update(each)
    if not total:
        return "no test split was evaluated"
    return "the test split was evaluated " + ", and ".join(
        f"{count} time{'' if count == 1 else 's'} on {split}" for split, count in total.items()
    )


def _into_readme(answer: Answer, judged: Sequence[Judged], path: Path) -> None:
    """Put the findings between the two marks of a README; the text around them is written by hand."""
    figures = [f"![{name}]({name}.png)" for name in answer.findings.figures]
    found = "\n".join([BEGIN, "", *claims_tables(judged), *_found(answer), "", *figures, "", END])
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{path} must hold the marks {BEGIN} and {END} once each, in this order.")
    write_atomically(path, pattern.sub(lambda _: found, text))
