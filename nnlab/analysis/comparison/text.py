"""A comparison as text, in ASCII but for names: groups, the value of each seed, differences, and what they say."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nnlab.analysis.comparison.answer import Answer, Group, JudgedPair
from nnlab.analysis.comparison.numbers import Decimals, p_text
from nnlab.analysis.comparison.words import decimals_of, mcnemar_sentence, of_the_best, sentence
from nnlab.table import GAP, Column, fitting, letters, line_width

WIDTH = 120
LONGEST_NAME = 24
"""Longer names of groups stand once, beside a letter, where there is no room for them in every table."""
FRESH = "fresh seeds (judge once, when all have run: tests repeated on the way find differences that are not there):"
MOST_VALUES = 40
"""Values of a group that are shown; all of them are in `--json` and `--csv`."""


def as_text(comparison: Answer, width: int | None = None) -> str:
    """The comparison for a screen.

    Args:
        comparison: to show.
        width: of the screen in columns; None, for lines of any length, is 120.
    """
    width = max(width or WIDTH, 40)
    legend, shown = _lettered(comparison, width)
    blocks = [
        [title(shown)],
        legend,
        [*_table(group_columns(shown.groups), width), *_varying(shown.groups, width)],
        _values(shown.groups, width),
        _differences(shown, width) if shown.judged else [],
        _sentences(shown, width),
        [line for note in shown.notes for line in _bullet(note, width)],
        [*textwrap.wrap(FRESH, width), *(f"  {command}" for command in shown.commands)] if shown.commands else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def title(comparison: Answer) -> str:
    """What is compared."""
    way = {True: " (lower is better)", False: " (higher is better)", None: ""}[comparison.lower_is_better]
    return f"{comparison.metric}{way}, of the weights that each run kept"


def _lettered(comparison: Answer, width: int) -> tuple[list[str], Answer]:
    """Letters in the place of long names, if there are any, and what they stand for."""
    names = [group.name for group in comparison.groups]
    if max(map(len, names)) <= (LONGEST_NAME if width < WIDTH else 2 * LONGEST_NAME):
        return [], comparison
    short = letters(names)
    groups = [replace(group, name=short[group.name]) for group in comparison.groups]
    judged = [JudgedPair(short[pair.a], short[pair.b], pair.judged) for pair in comparison.judged]
    legend = [
        line for name in names for line in textwrap.wrap(f"{short[name]}  {name}", width, subsequent_indent="   ")
    ]
    notes = comparison.notes
    for name in sorted(names, key=len, reverse=True):  # one may be a part of another
        notes = [note.replace(name, short[name]) for note in notes]
    return legend, replace(comparison, groups=groups, judged=judged, notes=notes)


def group_columns(groups: Sequence[Group]) -> list[Column]:
    """The table of groups."""
    decimals = decimals_of_groups(groups)
    samples = [group.sample for group in groups]
    columns = [
        Column("group", [group.name for group in groups], is_left=True),
        Column("n", [str(sample.n) for sample in samples]),
        Column("mean", [decimals.text(sample.mean) for sample in samples]),
        Column("sd", [decimals.text(sample.sd) if sample.n > 1 else "-" for sample in samples]),
        Column("95 % interval (t)", [decimals.interval(sample.interval) for sample in samples]),
    ]
    if any(sample.bootstrap is not None for sample in samples):
        columns.append(Column("bootstrap (BCa)", [decimals.interval(sample.bootstrap) for sample in samples], 1))
    return [*columns, Column("one more run", [decimals.interval(sample.one_more) for sample in samples], 0)]


def _varying(groups: Sequence[Group], width: int) -> Iterator[str]:
    """What differs from seed to seed, once if it is the same in all groups."""
    words = dict.fromkeys(group.varies for group in groups if len(group.seeds) > 1)
    for word in words:
        names = [group.name for group in groups if group.varies == word]
        of = "" if len(words) == 1 else f" in {', '.join(names[:4])}{' and others' if len(names) > 4 else ''}"
        yield from textwrap.wrap(f"what varies from seed to seed{of}: {word}", width, subsequent_indent="    ")


def _values(groups: Sequence[Group], width: int) -> list[str]:
    """The value of each seed: in a table where the groups share their seeds, else group by group."""
    decimals = decimals_of_groups(groups)
    seeds = list(dict.fromkeys(seed for group in groups for seed in group.seeds))
    if len(groups) > 1 and all(group.seeds == groups[0].seeds for group in groups) and len(seeds) <= MOST_VALUES:
        return list(_by_seed(groups, decimals, width))
    lines = []
    for group in groups:
        pairs = list(zip(group.seeds, group.values, strict=True))[:MOST_VALUES]
        more = [f"and {len(group.seeds) - MOST_VALUES} more"] if len(group.seeds) > MOST_VALUES else []
        texts = [f"{seed}: {decimals.text(value)}".replace(" ", "\0") for seed, value in pairs] + more
        line = f"{group.name} by seed  {GAP.join(texts)}"
        lines += [part.replace("\0", " ") for part in textwrap.wrap(line, width, subsequent_indent="    ")]
    return lines


def _by_seed(groups: Sequence[Group], decimals: Decimals, width: int) -> Iterator[str]:
    """Tables of as many seeds each as there is room for."""
    names = Column("seed", [group.name for group in groups], is_left=True)
    columns = [
        Column(str(seed), [decimals.text(group.values[place]) for group in groups])
        for place, seed in enumerate(groups[0].seeds)
    ]
    while columns:
        most = 1
        while most < len(columns) and line_width([names, *columns[: most + 1]]) <= width:
            most += 1
        count = math.ceil(len(columns) / math.ceil(len(columns) / most))  # tables of about the same width
        yield from fitting([names, *columns[:count]], width)[0]
        columns = columns[count:]


def _differences(comparison: Answer, width: int) -> list[str]:
    shown = comparison.main_pairs
    lines = _table(pair_columns(comparison, shown), width)
    if len(shown) < len(comparison.judged):
        count = len(comparison.judged)
        lines.append(f"(those of the best mean; --json has all {count} pairs, and p is corrected for all)")
    return lines


def pair_columns(comparison: Answer, shown: Sequence[JudgedPair]) -> list[Column]:
    """The table of differences, or some rows of it."""
    better = "P(higher)" if comparison.lower_is_better is None else "P(better)"
    found = [pair.judged.difference for pair in shown]
    decimals = [decimals_of(pair) for pair in shown]
    verdicts = [pair.judged.for_people(lower_is_better=comparison.lower_is_better) for pair in shown]
    probabilities = [
        each.probability if comparison.lower_is_better is not True else 1 - each.probability for each in found
    ]
    return [
        Column("difference", [f"{pair.a} - {pair.b}" for pair in shown], is_left=True),
        Column("pairs", [str(each.n_a) if each.paired else f"{each.n_a}, {each.n_b}" for each in found], 3),
        Column("mean", [each.text(one.mean, sign=True) for each, one in zip(decimals, found, strict=True)]),
        Column("95 % interval", [each.interval(one.interval) for each, one in zip(decimals, found, strict=True)]),
        Column(better, [f"{each:.2f}" for each in probabilities], 4),
        Column("p (t)", [p_text(each.p_t) for each in found], 1),
        Column("p (exact)", [p_text(each.p_exact) for each in found], 2),
        Column(
            "p (Holm)" if len(comparison.judged) > 1 else "p", [p_text(pair.judged.p_corrected) for pair in shown], 5
        ),
        Column("verdict", verdicts, is_left=True),
    ]


def _sentences(comparison: Answer, width: int) -> list[str]:
    shown = comparison.main_pairs
    if len(shown) < len(comparison.judged):
        texts = [of_the_best(shown, comparison)]
    else:
        texts = [sentence(pair, comparison) for pair in shown]
    if comparison.mcnemar is not None:
        texts.append(mcnemar_sentence(comparison.mcnemar, comparison))
    return [line for text in texts for line in textwrap.wrap(text, width, subsequent_indent="    ")]


def _bullet(note: str, width: int) -> list[str]:
    return textwrap.wrap(f"- {note}", width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _table(columns: Sequence[Column], width: int) -> list[str]:
    lines, left = fitting(columns, width)
    return [*lines, f"(no room here: {', '.join(left)})"] if left else lines


def decimals_of_groups(groups: Sequence[Group]) -> Decimals:
    """How to write the values of groups: by their standard deviations."""
    return Decimals([group.sample.sd for group in groups], [value for group in groups for value in group.values])
