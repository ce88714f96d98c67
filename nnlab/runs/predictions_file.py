"""`predictions.safetensors` of a run directory: which class each row was decided for, by the weights that were kept.

Of the validation split, and of the test split where the run evaluated it with these weights; in the order of the split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nnlab.check import Matches, Range
from nnlab.core.rows import Array
from nnlab.json_text import read_json
from nnlab.runs import journal
from nnlab.runs.directory import PREDICTIONS, RunDirectory
from nnlab.runs.files import write_atomically
from nnlab.runs.reading import damaged, read_bounded
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import WEIGHTS_TAG
from nnlab.typed import Fields, MalformedError

Split = Literal["validation", "test"]

FORMAT: Literal[1] = 1
REMEDY = "Remove it: what it said is then computed from the run's model."


Count = Annotated[int, Range(ge=0)]
Digest = Annotated[str, Matches(r"[0-9a-f]{64}", "a SHA-256 in hexadecimal")]


class TensorForm(TypedDict):
    """Classes, one a row."""

    dtype: Literal["U8", "U16", "U32"]
    shape: tuple[Count]
    data_offsets: tuple[Count, Count]


class MetadataForm(TypedDict):
    """What safetensors keeps beside the arrays: texts by name. One, or their order would be by chance."""

    nnlab: str


class About(TypedDict):
    """That text, in JSON: the SHA-256 of the arrays' bytes, in the order of their names, and that of the weights."""

    format: Literal[1]
    sha256: Digest
    weights_sha256: Digest


class Predictions(NamedTuple):
    """Of the n rows of a split, in its order.

    Args:
        targets: (n,) the classes that they are of.
        predicted: (n,) the classes that the network decided them for.
    """

    targets: Array
    predicted: Array


_TENSORS = [f"{split}.{name}" for split in get_args(Split) for name in Predictions._fields]
_HEADER = Annotated[dict[str, Any], Fields({"__metadata__": MetadataForm}, dict.fromkeys(_TENSORS, TensorForm))]


def write_predictions(directory: RunDirectory, by_split: Mapping[Split, Predictions], weights_sha256: str) -> None:
    """Write a run's predictions in place of those that are there.

    Args:
        directory: of the run.
        by_split: none removes the file.
        weights_sha256: of the weights that they are of.

    Raises:
        RunFailedError: if that fails.
    """
    if not by_split:
        directory.remove(PREDICTIONS)
        return
    arrays = {
        f"{split}.{name}": _narrow(array)
        for split, predictions in by_split.items()
        for name, array in predictions._asdict().items()
    }
    about: About = {"format": FORMAT, "sha256": _sha256(arrays), "weights_sha256": weights_sha256}
    data = save(arrays, metadata={"nnlab": json.dumps(about)})
    write_atomically(directory.path / PREDICTIONS, data, is_synced=False)  # as the model, from which they can be made


def stored_predictions(stored: StoredRun) -> dict[Split, Predictions]:
    """What `predictions.safetensors` of a run says of the weights that it keeps, by split; empty if it does not.

    Raises:
        UserError: if the file is damaged.
    """
    path = stored.path / PREDICTIONS
    try:
        data = read_bounded(path, journal.LARGEST)
        header = read_json(data[8 : 8 + int.from_bytes(data[:8], "little")], _HEADER)
        about = read_json(header["__metadata__"]["nnlab"].encode(), About)
        if about["weights_sha256"] != stored.tags.get(WEIGHTS_TAG):
            return {}  # those of an end before
        arrays = load(data)
        if about["sha256"] != (found := _sha256(arrays)):
            raise MalformedError(f"its SHA-256 was {about['sha256']} and is {found}")
        return dict(_by_split(arrays))
    except FileNotFoundError:
        return {}
    except (MalformedError, SafetensorError) as error:
        raise damaged(path, str(error), REMEDY) from error


def _by_split(arrays: dict[str, Array]) -> Iterator[tuple[Split, Predictions]]:
    for split in get_args(Split):
        found = [arrays.get(f"{split}.{name}") for name in Predictions._fields]
        lengths = {0 if array is None else len(array) for array in found}
        if lengths != {0}:
            if 0 in lengths or len(lengths) > 1:
                raise MalformedError(f"its predictions of the {split} split must be one for each target")
            yield split, Predictions(*(np.asarray(array, np.intp) for array in found))


def _sha256(arrays: Mapping[str, Array]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for _, array in sorted(arrays.items()))).hexdigest()


def _narrow(classes: Array) -> Array:
    """The same numbers in the smallest type that holds them: a byte a row for up to 256 classes."""
    return np.ascontiguousarray(classes, np.min_scalar_type(int(classes.max())))
