"""Tables of a comparison as files. Oracles: pandas for CSV and the signs of LaTeX, markdown-it for Markdown."""

from __future__ import annotations

import functools
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_comparisons import compared, group
from markdown_it import MarkdownIt

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.analysis.comparison.exports import as_latex, as_markdown, differences_csv, groups_csv

RELU, SIGMOID = (0.972, 0.974, 0.971, 0.975, 0.973), (0.951, 0.955, 0.953, 0.956, float("nan"))
NASTY = 'a_1|b & 50% of $x^2$ {y} ~ <b> \\n `c` *d* [e](f) #g "h" é--i'


@functools.cache
def two_groups() -> Comparison:
    return compared(group("a", RELU), group("sigmoid", SIGMOID))


def with_name(name: str) -> Comparison:
    """Two groups of which the first has this name; what is said of them is computed once."""
    a, b = two_groups().groups
    (pair,) = two_groups().judged
    return replace(two_groups(), groups=[replace(a, name=name), b], judged=[pair._replace(a=name)])


def tables(markdown: str) -> list[list[list[str]]]:
    """The text of each cell as a reader sees it, by markdown-it."""
    found: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and token.level >= 4 and found and found[-1]:
            found[-1][-1].append("".join(child.content for child in token.children or ()))
    return found


def test_all_digits_come_back_from_the_csv() -> None:
    made = compared(group("relu", RELU), group("sigmoid", SIGMOID), group("late", RELU[:3], first=7))
    groups, pairs = (pd.read_csv(io.StringIO(text)) for text in (groups_csv(made), differences_csv(made)))
    for name in ("mean", "sd", "low", "high"):
        pd.testing.assert_series_equal(groups[name], made.frame[name], check_exact=True)
    for name in ("difference", "low", "high", "p_t", "p_corrected", "probability"):
        pd.testing.assert_series_equal(pairs[name], made.differences[name].astype(float), check_exact=True)
    assert [json.loads(values) for values in groups["values"]] == [
        [*RELU], [*SIGMOID[:4], None], [*RELU[:3]],
    ]  # fmt: skip
    assert [json.loads(seeds) for seeds in groups["seeds"]][2] == [7, 8, 9]
    assert [json.loads(str(n)) for n in pairs["n"]] == [5, [5, 3], [5, 3]]


@settings(max_examples=30, deadline=None)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
@example(name=NASTY)
@example(name="two\nlines\r\nand\ta tab")
@example(name="- a list | 1. another")
@example(name="\\|")
def test_a_name_is_read_from_the_markdown_as_it_is(name: str) -> None:
    shown = " ".join(name.split())
    groups, values, pairs = tables(as_markdown(with_name(name)))
    assert {len(row) for row in groups} == {len(groups[0])}
    assert [row[0] for row in groups] == ["group", shown, "sigmoid"]
    assert values[0] == ["seed", shown, "sigmoid"]
    assert [row[0] for row in values[1:]] == ["0", "1", "2", "3", "4"]
    assert pairs[1][0] == " ".join(f"{name} - sigmoid".split())


def test_what_is_said_stands_below_the_tables_as_one_list_item_each() -> None:
    made = compared(group("1. relu", RELU), group("+ sigmoid", SIGMOID), notes=["- Left out: 3.", "# no heading"])
    tokens = MarkdownIt("commonmark").enable("table").parse(as_markdown(made))
    kinds = [token.type for token in tokens]
    assert kinds.count("list_item_open") == 3
    assert kinds.count("ordered_list_open") == kinds.count("heading_open") == 0
    assert kinds.count("bullet_list_open") == 1


def test_seeds_that_a_group_does_not_have_are_empty_cells() -> None:
    _, values, _ = tables(as_markdown(compared(group("a", RELU[:2]), group("b", RELU[:2], first=1))))
    assert [row[0] for row in values[1:]] == ["0", "1", "2"]
    assert [[bool(cell) for cell in row[1:]] for row in values[1:]] == [[True, False], [True, True], [False, True]]


def test_a_name_is_escaped_for_latex_as_pandas_does() -> None:
    name = "a_1 & 50% of $x$ {y} #g"
    text = as_latex(with_name(name))
    theirs = pd.DataFrame([name]).style.format(escape="latex").hide(axis="columns").to_latex()
    (escaped,) = re.findall(r"^0 & (.*) \\\\$", theirs, re.MULTILINE)
    assert f"\n{escaped} & " in text


@pytest.mark.parametrize("name", [NASTY, "two\nlines", "\\end{tabular}", "100% %"])
def test_no_name_breaks_a_latex_table(name: str) -> None:
    text = as_latex(replace(with_name(name), notes=["a note\n\\input{x}"]))
    lines = [line for line in text.splitlines() if line and not line.startswith("%")]
    bodies = [line for line in lines if line.endswith(r" \\")]
    bare = [re.sub(r"\\[&%$#_{}]|\\text\w+\{\}", "", line) for line in bodies]
    assert [line.count("&") for line in bare] == [5] * 3 + [8] * 2
    assert all(line.replace(r" \\", "").count("\\") == line.count(r"\times") for line in bare)
    assert not any(sign in line for line in bare for sign in "%#_~|<>")
    assert all(line.count("$") % 2 == 0 for line in bare)
    assert [line for line in lines if line.startswith(r"\begin")] == [
        r"\begin{tabular}{lrrrrr}", r"\begin{tabular}{lrrrrrrrl}",
    ]  # fmt: skip


def test_numbers_have_a_minus_sign_and_powers_of_ten_in_latex() -> None:
    text = as_latex(compared(group("low", [0.1, 0.11, 0.12, 0.11]), group("high", [0.91, 0.92, 0.93, 0.9204])))
    assert re.search(r"& \$-0\.8\d+\$ &", text)
    assert re.search(r"\\times 10\^\{-\d+\}\$", text)
    assert " -- " in as_latex(compared(group("one", [0.1])))  # no interval
