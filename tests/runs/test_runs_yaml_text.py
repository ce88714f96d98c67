from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlab.runs.yaml_text import read_yaml
from nnlab.typed import MalformedError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@settings(max_examples=30)  # a hundred thousand in `make faults`
@given(tree=st.dictionaries(TEXTS, VALUES))
def test_what_pyyaml_writes_of_plain_values_is_read_as_pyyaml_reads_it(tree: dict[str, Any]) -> None:
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    assert repr(read_yaml(text.encode(), Any)) == repr(yaml.safe_load(text))  # as text: the types too


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: &x [1]\nb: *x", "anchor"),
        ("a: &x [*x]", "anchor"),
        ("a: !!python/object/apply:os.system [exit]", "tag"),
        ("a: !!str 1", "tag"),
        ("a: 1\na: 2", "'a' twice"),
        ("a: {b: 1, b: 1}", "'b' twice"),
        ("<<: {a: 1}", "no text|does not write"),
        ("1: a", "no text"),
        ("[a]: b", "no text"),
        ("a: yes", "'yes'"),
        ("a: 1:30", "'1:30'"),
        ("a: 0x1F", "'0x1F'"),
        ("a: 1_000", "'1_000'"),
        ("a: 2001-01-01", "'2001-01-01'"),
        ("a: .nan", "'.nan'"),
        ("a: 1.0e+400", "1.0e"),
        ("a:", "''"),
        ("a: ~", "'~'"),
        ("--- 1\n--- 2", "several documents"),
        ("{" * 100_000, "."),
        ("a: " + "[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("a: [", "not YAML"),
        ("%YAML 9.9\n--- a", "not YAML"),
        ("a: \x00", "not YAML"),
    ],
)
def test_what_nnlab_does_not_write_is_refused(text: str, fault: str) -> None:
    with pytest.raises(MalformedError, match=fault):
        read_yaml(text.encode(), Any)
