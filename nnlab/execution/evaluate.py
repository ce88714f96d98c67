"""The test split of a study's run, after selection."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.config.job import Job
from nnlab.execution.pictures import draw
from nnlab.runs.directory import JOURNAL
from nnlab.runs.predictions import decided
from nnlab.runs.predictions_file import stored_predictions, write_predictions
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.reading import damaged
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.stored_run import RESTORE, StoredRun
from nnlab.runs.tags import COMMAND_TAG, EPOCH_TAG
from nnlab.training import Tested


def evaluate_member(
    job: Job,
    path: Path,
    *,
    warn: Callable[[str], object],
    announce: Announce | None = None,
) -> Tested:
    """Evaluate the kept weights of a study's run on the test split, after selection, and add that to the run.

    What was evaluated before is not evaluated again.

    Args:
        job: the run, and the overrides that repeat it with its test.
        path: its directory.
        warn: called with what goes wrong with the pictures.
        announce: called with the directory, to sync what is added into MLflow.

    Raises:
        UserError: if the run's journal or model is damaged.
        DivergedError: if the loss on the test split is NaN or infinite.
    """
    stored = StoredRun.open(path)
    if stored.test:
        if not stored.has_ended:  # killed before it recorded its end
            Recorder.reopen(path, announce).close("finished")
        return Tested(stored.test)
    kept = stored.tags.get(EPOCH_TAG, "")
    if not kept.isdecimal():
        raise damaged(path / JOURNAL, "it does not say which epoch's weights are kept", RESTORE)
    epoch = int(kept)
    trainer = build_trainer(job.config, job.load())
    model, validation = stored.model(), stored_predictions(stored).get("validation")
    trainer.objective.network.parameters.values_vector[...] = model.network.parameters.values_vector
    with threadpool_limits(int(job.config.trainer.threads)):
        tested = trainer.test()
        with Recorder.reopen(path, announce) as recorder:
            digest = weights_sha256(model.network.parameters.named().values())
            write_predictions(recorder.directory, decided(trainer, tested, validation), digest)
            recorder.test(epoch, tested.metrics)
            recorder.tag({COMMAND_TAG: shlex.join(job.command)})
            if job.config.tracking.plots:
                draw(trainer, recorder, epoch, tested, warn)
    return tested
