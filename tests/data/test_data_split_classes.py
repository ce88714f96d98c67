"""Every class has a training row, or the split is refused; and a limit keeps the proportions of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from nnlab.core.seeding import streams
from nnlab.data import DataSettings, load
from nnlab.data.settings import SplitSettings
from nnlab.data.source import RawTable, Source, assemble
from nnlab.data.splits import Splits, split
from nnlab.errors import UserError

NAMES = tuple(f"n{number}" for number in range(100))


def source_of(**labels: Any) -> Source:
    raw = {
        part: RawTable(np.arange(len(y))[:, None] + 1000.0, np.array(y), f"the {part} rows")
        for part, y in labels.items()
    }
    return assemble(raw, class_names=NAMES)  # type: ignore[arg-type]


def divide(source: Source, *, limit: int | None = None, seed: int = 0, **settings: Any) -> Splits:
    return split(source, SplitSettings(**settings), streams(seed).split, limit=limit)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"strategy": "tail"}, "tail` .*sorted by class.* Choose `data.split.strategy=stratified`"),
        ({"strategy": "random"}, "random` .*Choose `data.split.strategy=stratified`"),
        ({"strategy": "stratified"}, "too few rows .* lower `data.split.validation`"),
    ],
)
def test_classes_of_one_row_that_are_held_out_are_refused_by_name(settings: Any, remedy: str) -> None:
    # scikit-learn refuses them as well: "The least populated classes in y have only 1 member".
    with pytest.raises(ValueError, match="least populated class"):
        next(StratifiedShuffleSplit(test_size=0.2).split(np.zeros(100), np.arange(100)))
    with pytest.raises(UserError, match=rf"training row, but classes n\d.* and \d+ more would have none: .*{remedy}"):
        divide(source_of(train=range(100)), **settings)


@pytest.mark.parametrize("strategy", ["tail", "random", "stratified"])
@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_class_that_the_sources_own_split_alone_has_is_refused_by_name(strategy: Any, part: Any) -> None:
    source = source_of(**{"train": [0, 1] * 10, part: [0, 1, 3]})
    with pytest.raises(UserError, match=rf"but class n3 would have none: .* its {part} rows.*pooled=true"):
        divide(source, strategy=strategy)


def test_merged_splits_are_held_to_the_same_rule() -> None:
    assert 3 in divide(source_of(train=[0, 1] * 10, test=[0, 1, 3]), pooled=True).train.targets()


def test_a_class_of_a_published_list_that_no_row_has_may_be_missing() -> None:
    splits = divide(source_of(train=[0, 1] * 10, test=[0, 1]))
    assert set(splits.train.targets()) == {0, 1}


@given(st.lists(st.integers(0, 9), min_size=10, max_size=60), st.integers(0, 2**32))
def test_a_stratified_split_leaves_a_row_of_each_class_where_others_can_give_theirs(labels: Any, seed: int) -> None:
    sizes = np.bincount(labels)
    held_out = round(0.2 * len(labels))
    # Each class gives its quota, rounded up or down, but never its last row.
    most = np.where(sizes > 0, np.minimum(-(-sizes * held_out // len(labels)), sizes - 1), 0)
    try:
        splits = divide(source_of(train=labels), seed=seed, test=0.2, validation=0)
    except UserError:
        assert most.sum() < held_out
    else:
        assert set(splits.train.targets()) == set(labels)


@given(st.lists(st.integers(0, 5), min_size=12, max_size=80), st.integers(1, 80), st.integers(0, 2**32), st.booleans())
def test_a_limit_keeps_the_proportions_to_within_one_row_per_class(
    labels: Any, limit: int, seed: int, has_test: bool
) -> None:
    source = source_of(train=labels, **({"test": labels} if has_test else {}))
    try:
        whole, part = (divide(source, seed=seed, limit=each) for each in (None, limit))
    except UserError:
        assume(False)
    sizes, kept = (np.bincount(each.train.targets(), minlength=6) for each in (whole, part))
    assert kept.sum() == min(limit, sizes.sum())
    assert (np.abs(kept - sizes * kept.sum() / sizes.sum()) < 1).all()
    assert ((kept > 0) == (sizes > 0)).all()
    # The first of each class, in the order of the training split.
    order = list(whole.train.index)
    assert [order.index(row) for row in part.train.index] == sorted(order.index(row) for row in part.train.index)
    for label in set(labels):
        of_class = [row for row in order if labels[row] == label]
        assert [row for row in part.train.index if labels[row] == label] == of_class[: kept[label]]


def test_a_hundred_digits_are_ten_of_each() -> None:
    whole, part = (load(DataSettings(name="mnist_5k", limit=limit)) for limit in (None, 100))
    np.testing.assert_array_equal(np.bincount(part.train.targets()), [10] * 10)
    np.testing.assert_array_equal(part.validation.index, whole.validation.index)
    np.testing.assert_array_equal(part.test.index, whole.test.index)
    assert len(load(DataSettings(name="digits", limit=10**6)).train) == 1168  # all: 1797 less 359 and 270


@pytest.mark.parametrize("strategy", ["random", "tail"])
def test_other_strategies_keep_the_first_rows(strategy: Any) -> None:
    source = source_of(train=[0, 1, 2, 3] * 50)
    whole, part = (divide(source, limit=limit, strategy=strategy) for limit in (None, 70))
    np.testing.assert_array_equal(part.train.index, whole.train.index[:70])
    np.testing.assert_array_equal(part.test.index, whole.test.index)


@pytest.mark.parametrize("strategy", ["stratified", "random", "tail"])
def test_a_limit_that_leaves_a_class_without_a_row_is_refused_and_the_remedy_works(strategy: Any) -> None:
    source = source_of(train=([0] * 30 + [1] * 3) * 10 + [2, 2, 0, 0, 0, 0, 1] * 10)
    limit = 2 if strategy == "stratified" else 30
    with pytest.raises(UserError, match=r"`data\.limit=\d+` keeps none of their rows") as raised:
        divide(source, limit=limit, strategy=strategy, test=0, validation=0)
    remedy = int(str(raised.value).rpartition("data.limit=")[2].partition("`")[0])
    assert set(divide(source, limit=remedy, strategy=strategy, test=0, validation=0).train.targets()) == {0, 1, 2}
