"""Rows are views on shared arrays; streams are independent."""

from __future__ import annotations

import numpy as np
import pytest

from nnlab.core import Rows, Scaling
from nnlab.core.seeding import Streams, streams


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="need as many rows as each other, but got 3 and 2"):
        Rows.whole(np.zeros((3, 4)), np.zeros(2))


def test_the_first_rows_are_those_of_the_splits_order_and_share_its_arrays() -> None:
    rows = Rows(np.arange(10)[:, None], np.arange(10), np.array([7, 3, 5]), Scaling(2.0, 1.0))
    first = rows.first(2)
    assert first.x is rows.x
    assert first.inputs(np.float64).tolist() == [[15.0], [7.0]]
    assert first.targets().tolist() == [7, 3]
    assert len(rows.first(99)) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_are_scaled_copies_of_the_dtype_asked_for(dtype: type[np.floating]) -> None:
    x = np.array([[0, 51], [255, 102]], np.uint8)
    rows = Rows(x, np.zeros(2, int), np.arange(2), Scaling(np.array([1 / 255, 1 / 51]), np.array([0.0, -1.0])))
    inputs = rows.inputs(dtype)
    assert inputs.dtype == dtype
    np.testing.assert_allclose(inputs, [[0.0, 0.0], [1.0, 1.0]], atol=1e-6)
    inputs[...] = 9.0
    assert x.max() == 255


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        (Scaling(), True),
        (Scaling(np.ones(3), np.zeros(3)), True),
        (Scaling(0.5), False),
        (Scaling(1.0, np.array([0.0, 1.0])), False),
    ],
)
def test_a_scaling_knows_whether_it_changes_anything(scaling: Scaling, expected: bool) -> None:
    assert scaling.is_identity is expected


def test_the_streams_of_a_seed_are_its_own_and_differ_from_each_other() -> None:
    first, again, other = streams(7), streams(7), streams(8)
    draws = [[stream.random(4).tolist() for stream in bundle] for bundle in (first, again, other)]
    assert draws[0] == draws[1]
    assert len({tuple(numbers) for bundle in (draws[0], draws[2]) for numbers in bundle}) == 8


def test_a_stream_is_known_by_its_place_so_that_new_ones_go_at_the_end() -> None:
    """The published weights of a seed depend on this order."""
    assert Streams._fields[:4] == ("init", "shuffle", "split", "dropout")
    child = np.random.SeedSequence(7).spawn(2)[1]
    assert streams(7).shuffle.random() == np.random.default_rng(child).random()
