"""`predictions.safetensors` of a run directory: which class each row was decided for, by the weights that were kept.

Of the validation split, and of the test split where the run evaluated it with these weights; in the order of the split.
The rule is the one that the run's accuracy counts by, so that the two always agree, to the row.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from threadpoolctl import threadpool_limits

from nnlab.check import Matches, Range
from nnlab.config.build import build_objective
from nnlab.core.learner import evaluate
from nnlab.core.objective import Objective
from nnlab.core.rows import Array, Rows
from nnlab.core.seeding import streams
from nnlab.data.loading import dataset_of
from nnlab.errors import UserError
from nnlab.json_text import read_json
from nnlab.runs import journal
from nnlab.runs.directory import MODEL, PREDICTIONS, RunDirectory
from nnlab.runs.files import write_atomically
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.reading import damaged, read_bounded
from nnlab.runs.stored_config import config_of
from nnlab.runs.stored_run import RESTORE, StoredRun
from nnlab.runs.tags import COMMAND_TAG, WEIGHTS_TAG
from nnlab.training import Tested, Trainer
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


def decided(trainer: Trainer, tested: Tested | None, validation: Predictions | None = None) -> dict[Split, Predictions]:
    """The predictions of the weights that a trainer's network has, for the splits that there are.

    Args:
        trainer: of the run.
        tested: the evaluation of the test split with these weights; None leaves the split alone.
        validation: those of the validation split if they are known, so that they need no forward pass.
    """
    objective, dataset = trainer.objective, trainer.dataset
    found: dict[Split, Predictions] = {}
    if len(dataset.validation):
        found["validation"] = validation or _of(objective, dataset.validation)
    if tested is not None:  # it may be on record without what it decided: its run was killed before it could be written
        known = None if tested.classes is None else Predictions(dataset.test.targets(), tested.classes)
        found["test"] = known or _of(objective, dataset.test)
    return found


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


def predictions_of(stored: StoredRun, split: Split) -> Predictions:
    """The predictions of the weights that a run keeps, as it recorded them; of an older run, computed from its model.

    The test split is never looked at for them: a run has some of it only if it has evaluated it with these weights.

    Args:
        stored: a run that has ended, with scores; no study, and no repetition of another trial.
        split: which rows.

    Raises:
        UserError: if the run has none; if one of its files is damaged, or its data is not what it was.
    """
    recorded = _recorded_accuracy(stored, split)
    known = stored_predictions(stored).get(split)
    found = known or _computed(stored, split)
    accuracy = np.count_nonzero(found.targets == found.predicted) / len(found.targets)
    if accuracy == recorded:
        return found
    if known:
        raise damaged(stored.path / PREDICTIONS, f"by it the {split} accuracy is {accuracy}, not {recorded}", REMEDY)
    raise UserError(
        f"The predictions of {stored.name} must agree with what it recorded, but computed from its model the {split} "
        f"accuracy is {accuracy}, where it was {recorded}: code, libraries or machine have changed. Run it again here "
        f"and name the new run: {stored.tags.get(COMMAND_TAG) or shlex.join(stored.provenance['command'])}"
    )


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


def _recorded_accuracy(stored: StoredRun, split: Split) -> float:
    """What the run has recorded of the weights that it keeps.

    Raises:
        UserError: if it has recorded nothing of them on this split.
    """
    epoch = stored.kept.get("best/epoch")
    if not stored.has_ended or epoch is None or WEIGHTS_TAG not in stored.tags:
        raise UserError(
            f"A run has predictions once it has ended, with the weights of an epoch, but {stored.name} has not: its "
            f"status is {stored.status_now}. Name another run."
        )
    if split == "validation":
        accuracy = stored.kept.get("best/val/accuracy")
        lacks, remedy = "no validation split", "Start another with data.split.validation=0.15, or name another run."
    else:
        accuracy = stored.test.get("test/accuracy") if stored.tested_epoch == epoch else None
        lacks = "not evaluated its test split with the weights that it keeps"
        remedy = "Take its predictions of the validation split: comparing is no reason to look at the test split again."
    if accuracy is None:
        raise UserError(f"A run has predictions of what it evaluated, but {stored.name} has {lacks}. {remedy}")
    return accuracy


def _computed(stored: StoredRun, split: Split) -> Predictions:
    """Those of a run that recorded none, from its model and its data.

    Raises:
        UserError: as `predictions_of`.
    """
    config = config_of(stored)
    model = stored.model()
    if weights_sha256(model.network.parameters.named().values()) != stored.tags[WEIGHTS_TAG]:
        raise damaged(stored.path / MODEL, "its weights are not those that the run kept", RESTORE)
    dataset = dataset_of(config.data, seed=config.seed)
    before = stored.provenance["dataset"]["sha256"]
    if dataset.sha256 != before:
        raise UserError(
            f"Predictions need the data that {stored.name} was trained with, but {dataset.name} has changed since: its "
            f"SHA-256 was {before} and is {dataset.sha256}. Restore the data, or name another run."
        )
    objective = build_objective(config, dataset, streams(config.seed))
    objective.network.parameters.values_vector[...] = model.network.parameters.values_vector
    with threadpool_limits(int(config.trainer.threads)):
        return _of(objective, getattr(dataset, split))


def _of(objective: Objective, rows: Rows) -> Predictions:
    classes = np.empty(len(rows), np.intp)
    evaluate(objective, rows, classes=classes)
    return Predictions(rows.targets(), classes)


def _sha256(arrays: Mapping[str, Array]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for _, array in sorted(arrays.items()))).hexdigest()


def _narrow(classes: Array) -> Array:
    """The same numbers in the smallest type that holds them: a byte a row for up to 256 classes."""
    return np.ascontiguousarray(classes, np.min_scalar_type(int(classes.max())))
