"""Tables in Markdown: of published claims, nnlab's own hypotheses, nnlab's own checks, and of anything else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from experiments.verdicts import Judged
from nnlab.stats import Sample

WORDS = {"yes": "yes", "spread": "**spread**", "no": "**no**"}
SIGNS = {("bound", True): "≤ ", ("bound", False): "≥ "}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, one sequence of cells per row."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def spread(values: Sequence[float], decimals: int = 4) -> str:
    """The mean and the standard deviation, as in `0.9702 ± 0.0010`; the value alone if there is one."""
    sample = Sample(tuple(values))
    mean = f"{sample.mean:.{decimals}f}"
    return f"{mean} ± {sample.sd:.{decimals}f}" if sample.n > 1 else mean


def claims_tables(judged: Sequence[Judged]) -> list[str]:
    """One table per kind of claim among them, under a heading in bold, as lines."""
    kinds = (
        ("Published", _published, [each for each in judged if each.measured.claim.is_published]),
        ("Hypotheses of our own", _hypotheses, _of_kind(judged, "hypothesis")),
        ("Checks of our own", _checks, _of_kind(judged, "check")),
    )
    lines: list[str] = []
    for title, made, rows in kinds:
        if rows:
            lines += [f"**{title}**", "", *made(rows).splitlines(), ""]
    return lines


def _of_kind(judged: Sequence[Judged], kind: str) -> list[Judged]:
    return [each for each in judged if each.measured.claim.kind == kind]


def _published(rows: Sequence[Judged]) -> str:
    head = ("claim", "source", "claimed", "margin", "mean", "std", "95 % interval", "one more run, 95 %", "best")
    return table((*head, "seeds", "reproduced", "seconds"), (_published_cells(each) for each in rows))


def _published_cells(judged: Judged) -> list[str]:
    row, claim = judged.measured, judged.measured.claim
    sign = SIGNS.get((claim.kind, claim.lower_is_better), "")
    return [
        _escaped(claim.text),
        _escaped(claim.source),
        f"{sign}{claim.claimed:.{claim.decimals}f}",
        f"{claim.margin:.{claim.decimals}f}" if claim.margin else "",
        *_mean_and_spread(judged),
        _between(row.sample.one_more, claim.decimals) if claim.kind != "bound" else "",
        f"{row.best:.{claim.decimals}f}" if claim.kind == "best run" else "",
        *_end(judged),
    ]


def _hypotheses(rows: Sequence[Judged]) -> str:
    head = ("difference, asked to be above zero", "mean", "std", "95 % interval", "p", "p, corrected")
    return table(
        (*head, "seeds", "holds", "seconds"),
        (
            [
                _escaped(each.measured.claim.text),
                *_mean_and_spread(each),
                f"{each.measured.p:.2g}",
                f"{each.p:.2g}",
                *_end(each),
            ]
            for each in rows
        ),
    )


def _checks(rows: Sequence[Judged]) -> str:
    return table(
        ("check", "at most", "largest", "seeds", "holds", "seconds"),
        (
            [
                _escaped(each.measured.claim.text),
                f"{each.measured.claim.claimed:g}",
                f"{max(each.measured.values):g}",
                *_end(each),
            ]
            for each in rows
        ),
    )


def _mean_and_spread(judged: Judged) -> list[str]:
    """Mean, standard deviation, confidence interval."""
    sample, decimals = judged.measured.sample, judged.measured.claim.decimals
    std = "" if math.isnan(sample.sd) else f"{sample.sd:.{decimals}f}"
    return [f"{sample.mean:.{decimals}f}", std, _between(sample.interval, decimals)]


def _end(judged: Judged) -> list[str]:
    row = judged.measured
    return [str(len(row.values)), WORDS[judged.verdict], f"{row.seconds:.1f}"]


def _between(ends: tuple[float, float], decimals: int) -> str:
    return "" if math.isnan(ends[0]) else f"{ends[0]:.{decimals}f} to {ends[1]:.{decimals}f}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
