"""Laws of the splits, for any source and any fractions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnlab.core.seeding import streams
from nnlab.data.settings import SplitSettings
from nnlab.data.source import RawTable, Source, assemble
from nnlab.data.splits import Splits, split
from nnlab.errors import UserError


def source_of(labels: list[int], test: list[int] | None = None) -> Source:
    """Rows that each hold their own position, so that a row can be told from any other."""
    raw: dict[Any, RawTable] = {
        "train": RawTable(np.arange(len(labels))[:, None] + 1000.0, np.array(labels), "the rows")
    }
    if test is not None:
        raw["test"] = RawTable(np.arange(len(test))[:, None] + 5000.0, np.array(test), "the test rows")
    return assemble(raw, class_names=tuple("0123"))


def divide(source: Source, seed: int = 0, **settings: Any) -> Splits:
    return split(source, SplitSettings(**settings), streams(seed).split)


def divided_or_refused(source: Source, seed: int, **settings: Any) -> Splits:
    """Refusals are for the tests of them: here they are drawn anew."""
    try:
        return divide(source, seed, **settings)
    except UserError as refusal:
        assume("needs a training row" not in str(refusal))
        raise


def tags(rows: Any) -> list[int]:
    return [int(value) for value in rows.inputs(np.float64)[:, 0]]


labels_of = st.lists(st.integers(0, 3), min_size=10, max_size=80)
fractions = st.sampled_from([0.0, 0.1, 0.15, 0.25, 1 / 3, 0.4])


@given(labels_of, fractions, fractions, st.sampled_from(["random", "stratified"]), st.integers(0, 2**32))
def test_every_row_is_in_exactly_one_split_and_the_sizes_are_the_rounded_fractions(
    labels: Any, validation: float, test: float, strategy: Any, seed: int
) -> None:
    n = len(labels)
    splits = divided_or_refused(source_of(labels), seed, strategy=strategy, validation=validation, test=test)
    # Whatever the strategy, every class has a training row, or the split is refused.
    assert set(splits.train.targets()) == set(labels)
    assert sorted(tags(splits.train) + tags(splits.validation) + tags(splits.test)) == list(range(1000, 1000 + n))
    assert (len(splits.validation), len(splits.test)) == (round(n * validation), round(n * test))


@given(labels_of, fractions, fractions, st.integers(0, 2**32))
def test_stratified_shares_differ_from_the_proportional_ones_by_less_than_a_row(
    labels: Any, validation: float, test: float, seed: int
) -> None:
    source = source_of(labels)
    splits = divided_or_refused(source, seed, validation=validation, test=test)
    everything = np.bincount(source.parts["train"].y)
    left = everything
    for rows in (splits.test, splits.validation):
        share = np.bincount(rows.targets(), minlength=len(everything))
        assert (np.abs(share - left * len(rows) / left.sum()) < 1).all()
        left = left - share


def test_tail_takes_the_rows_that_keras_validation_split_takes() -> None:
    # Keras: "the validation data is selected from the last samples in the x and y data provided".
    splits = divide(source_of([0, 1] * 30_000, test=[0, 1]), strategy="tail", validation=0.2)
    np.testing.assert_array_equal(splits.train.index, np.arange(48_000))
    np.testing.assert_array_equal(splits.validation.index, np.arange(48_000, 60_000))
    assert tags(splits.test) == [5000, 5001]


def test_tail_takes_the_test_rows_from_the_very_end_and_ignores_the_seed() -> None:
    for seed in (0, 1):
        splits = divide(source_of([0, 1] * 5), seed, strategy="tail", validation=0.2, test=0.3)
        assert tags(splits.train) == [1000, 1001, 1002, 1003, 1004]
        assert tags(splits.validation) == [1005, 1006]
        assert tags(splits.test) == [1007, 1008, 1009]


@given(labels_of, st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_split(labels: Any, seed: int) -> None:
    first, again = (divided_or_refused(source_of(labels), seed) for _ in range(2))
    assert [tags(rows) for rows in first] == [tags(rows) for rows in again]


@pytest.mark.parametrize("strategy", ["random", "stratified"])
def test_another_seed_gives_another_split_and_the_order_is_mixed(strategy: Any) -> None:
    source = source_of([0] * 50 + [1] * 50)
    first, other = (divide(source, seed, strategy=strategy) for seed in (0, 1))
    assert tags(first.train) != tags(other.train)
    assert set(tags(first.test)) != set(tags(other.test))
    # So that the first rows of the training split are a fair sample of it.
    assert 0.2 < first.train.targets()[:20].mean() < 0.8


def test_a_test_split_of_the_source_is_kept_in_its_order_and_the_fraction_ignored() -> None:
    splits = divide(source_of([0, 1] * 10, test=[1, 0, 1]), validation=0.1, test=0.5)
    assert tags(splits.test) == [5000, 5001, 5002]
    assert (len(splits.train), len(splits.validation)) == (18, 2)


def test_pooled_merges_the_sources_own_test_rows_before_splitting() -> None:
    splits = divide(source_of([0, 1] * 35, test=[0, 1] * 15), strategy="random", pooled=True, validation=0, test=0.1)
    assert len(splits.test) == 10
    assert sorted(tags(splits.train) + tags(splits.test)) == [*range(1000, 1070), *range(5000, 5030)]
    assert any(tag < 5000 for tag in tags(splits.test))


def test_splits_share_the_arrays_of_the_source() -> None:
    source = source_of([0, 1] * 10)
    splits = divide(source)
    for rows in splits:
        assert rows.x is source.parts["train"].x
        assert rows.y is source.parts["train"].y


@given(labels_of, st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_fractions_that_leave_no_training_row_are_refused(labels: Any, validation: float, test: float) -> None:
    assume(round(len(labels) * validation) + round(len(labels) * test) >= len(labels))
    with pytest.raises(UserError, match=f"training split needs at least one row, but of {len(labels)} rows"):
        divide(source_of(labels), validation=validation, test=test)


def test_a_fraction_that_rounds_to_no_row_is_refused() -> None:
    with pytest.raises(UserError, match=r"`data\.split\.validation=0\.01` of 12 rows rounds to none\. Raise it"):
        divide(source_of([0, 1] * 6), validation=0.01)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"strategy": "last"}, "must be one of tail, random, stratified"),
        ({"validation": 1.0}, "must be at least 0 and below 1"),
        ({"test": -0.1}, "must be at least 0 and below 1"),
        ({"seed": -1}, "must be at least 0"),
        ({"pooled": "yes"}, "must be true or false"),
    ],
)
def test_settings_out_of_their_rule_cannot_be_made(change: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        SplitSettings(**change)
