"""What the weights that a run keeps decide: in the run, from its file, or from its model where it has no such file.

The rule is the one that the run's accuracy counts by, so that the two always agree, to the row.
"""

from __future__ import annotations

import shlex

import numpy as np
from threadpoolctl import threadpool_limits

from nnlab.config.build import build_objective
from nnlab.core.learner import evaluate
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows
from nnlab.core.seeding import streams
from nnlab.data.loading import dataset_of
from nnlab.errors import UserError
from nnlab.runs.directory import MODEL, PREDICTIONS
from nnlab.runs.predictions_file import REMEDY, stored_predictions
from nnlab.runs.predictions_file import Predictions as Predictions
from nnlab.runs.predictions_file import Split as Split
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.reading import damaged
from nnlab.runs.stored_config import config_of
from nnlab.runs.stored_run import RESTORE, StoredRun
from nnlab.runs.tags import COMMAND_TAG, DUPLICATE_TAG, WEIGHTS_TAG
from nnlab.training import Tested, Trainer


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


def _recorded_accuracy(stored: StoredRun, split: Split) -> float:
    """What the run has recorded of the weights that it keeps.

    Raises:
        UserError: if it has recorded nothing of them on this split.
    """
    if (original := stored.provenance.get("tags", {}).get(DUPLICATE_TAG)) is not None:
        raise UserError(
            f"{stored.name} repeats trial {original} of its study: nothing was trained, and the predictions are that "
            "trial's. Name its run."
        )
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
