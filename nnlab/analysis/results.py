"""Runs read back as tables: from their directories, which hold the truth, not from MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from nnlab.check import OneOf
from nnlab.config.leaves import leaves
from nnlab.runs.directory import CONFIG, JOURNAL
from nnlab.runs.reading import damaged
from nnlab.runs.stored_run import RESTORE, StoredRun
from nnlab.runs.tags import EPOCH_TAG, EXTENDED_TAG, WEIGHTS_TAG
from nnlab.training.selection import Selection
from nnlab.training.settings import SCORES, TrainerSettings
from nnlab.typed import OPEN, Fields, MalformedError, typed

if TYPE_CHECKING:
    import pandas as pd

_CHOICE = Annotated[dict[str, Any], Fields({"monitor": Annotated[str, OneOf(SCORES)], "restore_best": bool}), OPEN]
_CHOOSING = Annotated[dict[str, Any], Fields({"trainer": _CHOICE}), OPEN]
"""What a config says about which epoch's weights are kept."""


def results(directories: Sequence[Path]) -> pd.DataFrame:
    """One row per run, in the order given.

    Its columns: `directory`; `status`; every key of the config by its dotted name; `epoch`, whose weights were kept,
    or would have been if the run had ended there, as in one that was killed;
    that epoch's metrics and the test split's; `seconds` of training without validation; `weights_sha256`; `extended`,
    of a run that was trained for longer than planned, whose `trainer.epochs` is how long. A list (`model.hidden`) is a
    tuple, so that rows can be grouped by it. What a run does not have is missing.

    Raises:
        UserError: if there is no run in one of the directories, or its files are damaged.
    """
    import pandas as pd

    return pd.DataFrame([_row(StoredRun.open(directory)) for directory in directories])


def histories(directories: Sequence[Path]) -> pd.DataFrame:
    """One row per epoch, run by run: `directory`, `epoch` (from 1) and the epoch's metrics.

    Raises:
        UserError: if there is no run in one of the directories, or its journal is damaged.
    """
    import pandas as pd

    runs = [StoredRun.open(directory) for directory in directories]
    return pd.DataFrame(
        [{"directory": run.path, "epoch": epoch, **metrics} for run in runs for epoch, metrics in run.epochs.items()]
    )


def scores(run: StoredRun) -> dict[str, float]:
    """The numbers of a run, as `results` has them: `epoch`, that epoch's metrics and the test split's, `seconds`.

    Raises:
        UserError: if its config or journal is damaged.
    """
    epoch = int(run.tags[EPOCH_TAG]) if EPOCH_TAG in run.tags else _kept_so_far(run)
    kept = {name: value for name, value in run.epochs.get(epoch, {}).items() if name != "time/epoch_seconds"}
    seconds = sum(_metric(run, each, "time/epoch_seconds") for each in run.epochs)
    return {"epoch": epoch, **kept, **run.test, "seconds": seconds}


def _row(run: StoredRun) -> dict[str, Any]:
    return {
        "directory": run.path,
        "status": run.status,
        **{key: tuple(value) if isinstance(value, list) else value for key, value in leaves(run.final_config)},
        **scores(run),
        "weights_sha256": run.tags.get(WEIGHTS_TAG),
        **({"extended": run.tags[EXTENDED_TAG]} if EXTENDED_TAG in run.tags else {}),
    }


def _kept_so_far(run: StoredRun) -> int:
    """The epoch whose weights a killed run would have kept; 0 if it has none."""
    try:
        chosen = typed(_CHOOSING, run.config)["trainer"]
    except MalformedError as error:
        raise damaged(run.path / CONFIG, str(error), RESTORE) from error
    trainer = TrainerSettings(monitor=chosen["monitor"], restore_best=chosen["restore_best"])
    try:
        return Selection.of_recorded(trainer, run.epochs).epoch
    except KeyError as error:
        raise damaged(run.path / JOURNAL, f"epoch {error.args[0]} has no {trainer.monitor}", RESTORE) from error


def _metric(run: StoredRun, epoch: int, name: str) -> float:
    if name not in run.epochs[epoch]:
        raise damaged(run.path / JOURNAL, f"epoch {epoch} has no {name}", RESTORE)
    return run.epochs[epoch][name]
