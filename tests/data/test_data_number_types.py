"""What holds a table: nothing of any number is lost, and no wider type than needed is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlab.data.number_types import stored_type
from nnlab.data.source import RawTable, assemble
from nnlab.errors import UserError

KEPT = {
    "truth values": (np.array([[True, False]]), np.uint8),
    "small whole numbers": (np.array([[0, 255]]), np.uint8),
    "negative": (np.array([[-1, 255]]), np.float32),
    "2^24": (np.array([[2**24]]), np.float32),
    "2^24 + 1": (np.array([[2**24 + 1]]), np.float64),
    "int32 beyond float32": (np.array([[2**24 + 1]], np.int32), np.float64),
    "2^53": (np.array([[2**53]]), np.float32),
    "2^53 - 1": (np.array([[2**53 - 1]]), np.float64),
    "2^53 + 1": (np.array([[2**53 + 1]]), np.int64),
    "nanoseconds": (np.array([[1_700_000_000_000_000_001]]), np.int64),
    "uint64": (np.array([[2**53 + 1]], np.uint64), np.int64),
    "uint64 of few digits": (np.array([[2**63 + 2**12]], np.uint64), np.float64),
    "half precision": (np.array([[0.1]], np.float16), np.float32),
    "a tenth": (np.array([[0.1]]), np.float64),
    "a half": (np.array([[0.5]]), np.float32),
    "beyond float32": (np.array([[1e39]]), np.float64),
    "below float32": (np.array([[1e-46]]), np.float64),
    "extended": (np.array([[0.5]], np.longdouble), np.float32),
}


@pytest.mark.parametrize(("array", "expected"), KEPT.values(), ids=KEPT)
def test_the_smallest_type_that_holds_the_numbers_is_taken(array: np.ndarray, expected: type) -> None:
    kept = stored_type({"file": array})
    assert kept == expected
    assert array.astype(kept).tolist() == array.tolist()  # as Python compares them: exactly


@given(
    st.sampled_from(["b1", "i1", "u2", ">i4", "i8", "u8", "f2", "f4", ">f8"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype, (3, 2), elements=None if "f" not in dtype else {"allow_nan": False, "allow_infinity": False}
        )
    )
)
def test_a_number_is_kept_as_it_is_or_refused(array: np.ndarray) -> None:
    try:
        kept = stored_type({"file": array})
    except UserError:
        assert max(abs(int(number)) for number in array.reshape(-1)) >= 2**53
        return
    assert array.astype(kept).tolist() == array.tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.array([[5, 1], [5, 2**63 + 1]], np.uint64)}, r"a has 9223372036854775809 .* row 1 at position 1"),
        ({"a": np.array([[-(2**63) + 1]])}, r"has -9223372036854775807 of type int64"),
        ({"a": np.array([[0.5]]), "b": np.array([[2**53 + 1]])}, r"b has 9007199254740993 of type int64"),
    ],
)
def test_numbers_that_no_type_holds_are_named_with_a_remedy(arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        stored_type(arrays)
    assert "x.astype('float64')" in str(raised.value)


def test_the_type_of_the_file_is_remembered_in_the_machines_byte_order() -> None:
    for stored, known in ((">i8", np.int64), ("f2", np.float16), ("?", np.bool_), ("g", np.float64)):
        source = assemble({"train": RawTable(np.array([[0], [1]]).astype(stored), np.array([0, 1]), "file")})
        assert source.row_type == known
