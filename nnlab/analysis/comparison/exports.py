"""A comparison as files: CSV with all digits, Markdown and LaTeX as the terminal has it. Names are escaped."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.analysis.comparison.json_form import for_json
from nnlab.analysis.comparison.text import decimals_of_groups, group_columns, pair_columns, title
from nnlab.analysis.comparison.words import mcnemar_sentence, sentence
from nnlab.table import Column

_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~$&#]")
_START, _ESCAPED = re.compile(r"^(\d*)([-+.)])"), r"\1\\\2"
"""What would begin a list in a list."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e([-+]\d+))?(?![\w.])")


def groups_csv(comparison: Comparison) -> str:
    """`Comparison.frame` with all digits; `seeds` and `values` are JSON lists, what is missing is empty."""
    return _csv(comparison.frame)


def differences_csv(comparison: Comparison) -> str:
    """`Comparison.differences` with all digits; `n` is a JSON list of both groups' where seeds are not paired."""
    return _csv(comparison.differences)


def as_markdown(comparison: Comparison) -> str:
    """Tables of groups, values and differences, what is said of each pair, and the notes."""
    blocks = [f"**{_in_markdown(title(comparison))}**", _markdown_table(group_columns(comparison.groups))]
    blocks.append(_markdown_table(_value_columns(comparison)))
    if comparison.judged:
        blocks.append(_markdown_table(pair_columns(comparison, comparison.judged)))
    if said := [*_sentences(comparison), *comparison.notes]:
        blocks.append("\n".join(f"- {_START.sub(_ESCAPED, _in_markdown(line))}" for line in said))
    if comparison.commands:
        blocks.append("\n".join(["For more seeds:", "", *(f"    {command}" for command in comparison.commands)]))
    return "\n\n".join(blocks) + "\n"


def as_latex(comparison: Comparison) -> str:
    r"""Tables of groups and differences for `\usepackage{booktabs}`; what the reader has to know, as comments."""
    said = [title(comparison), *_sentences(comparison), *comparison.notes]
    tables = [_latex_table(group_columns(comparison.groups))]
    if comparison.judged:
        tables.append(_latex_table(pair_columns(comparison, comparison.judged)))
    comments = "\n".join(f"% {_one_line(line)}" for line in (r"needs \usepackage{booktabs}", *said))
    return "\n\n".join([comments, *tables]) + "\n"


def _sentences(comparison: Comparison) -> list[str]:
    said = [sentence(pair, comparison) for pair in comparison.judged]
    return said if comparison.mcnemar is None else [*said, mcnemar_sentence(comparison.mcnemar, comparison)]


def _csv(frame: Any) -> str:
    text = io.StringIO()
    for name in frame.columns:
        if any(isinstance(value, tuple) for value in frame[name]):
            frame[name] = [json.dumps(for_json(value)) if isinstance(value, tuple) else value for value in frame[name]]
    frame.to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def _value_columns(comparison: Comparison) -> list[Column]:
    """Seeds down, groups across: what a group has no run for is empty."""
    decimals = decimals_of_groups(comparison.groups)
    seeds = list(dict.fromkeys(seed for group in comparison.groups for seed in group.seeds))
    found = [dict(zip(group.seeds, group.values, strict=True)) for group in comparison.groups]
    columns = [
        Column(group.name, [decimals.text(values[seed]) if seed in values else "" for seed in seeds])
        for group, values in zip(comparison.groups, found, strict=True)
    ]
    return [Column("seed", list(map(str, seeds)), is_left=True), *columns]


def _markdown_table(columns: Sequence[Column]) -> str:
    head = [_in_markdown(column.heading) for column in columns]
    rule = ["---" if column.is_left else "---:" for column in columns]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *_rows(columns, _in_markdown, _in_markdown)))


def _latex_table(columns: Sequence[Column]) -> str:
    sides = "".join("l" if column.is_left else "r" for column in columns)
    lines = [" & ".join(cells) + r" \\" for cells in _rows(columns, _in_latex, _number_in_latex)]
    head = " & ".join(_in_latex(column.heading) for column in columns) + r" \\"
    body = [r"\toprule", head, r"\midrule", *lines, r"\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{{sides}}}", *body, r"\end{tabular}"])


def _rows(columns: Sequence[Column], text: Callable[[str], str], number: Callable[[str], str]) -> list[tuple[str, ...]]:
    made = [[text(cell) if column.is_left else number(cell) for cell in column.texts] for column in columns]
    return list(zip(*made, strict=True))


def _in_markdown(text: str) -> str:
    """Shown as it is: no sign of it makes a cell, a link or an emphasis."""
    return _MARKDOWN.sub(lambda sign: f"\\{sign[0]}", _one_line(text))


def _in_latex(text: str) -> str:
    escaped = "".join(_LATEX.get(sign, sign) for sign in _one_line(text))
    return re.sub(r"-(?=-)", "-{}", escaped)  # two of them would be a dash


def _number_in_latex(text: str) -> str:
    """With a minus sign in the place of a hyphen, and powers of ten."""
    if text == "-":
        return "--"
    return _NUMBER.sub(_formula, _in_latex(text))


def _formula(found: re.Match[str]) -> str:
    mantissa = found[0].partition("e")[0].replace(",", "{,}")
    return f"${mantissa}$" if found[1] is None else f"${mantissa} \\times 10^{{{int(found[1])}}}$"


def _one_line(text: str) -> str:
    return " ".join(text.split())
