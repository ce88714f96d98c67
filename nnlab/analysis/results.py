"""Runs read back as tables: from their directories, which hold the truth, not from MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlab.config.leaves import leaves
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EPOCH_TAG, WEIGHTS_TAG
from nnlab.training.selection import Selection
from nnlab.training.settings import TrainerSettings

if TYPE_CHECKING:
    import pandas as pd


def results(directories: Sequence[Path]) -> pd.DataFrame:
    """One row per run, in the order given.

    Its columns: `directory`; `status`; every key of the config by its dotted name; `epoch`, whose weights were kept,
    or would have been if the run had ended there, as in one that was killed;
    that epoch's metrics and the test split's; `seconds` of training without validation; `weights_sha256`. A list
    (`model.hidden`) is a tuple, so that rows can be grouped by it. What a run does not have is missing.

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


def _row(run: StoredRun) -> dict[str, Any]:
    epoch = int(run.tags[EPOCH_TAG]) if EPOCH_TAG in run.tags else _kept_so_far(run)
    kept = {name: value for name, value in run.epochs.get(epoch, {}).items() if name != "time/epoch_seconds"}
    return {
        "directory": run.path,
        "status": run.status,
        **{key: tuple(value) if isinstance(value, list) else value for key, value in leaves(run.config)},
        "epoch": epoch,
        **kept,
        **run.test,
        "seconds": sum(metrics["time/epoch_seconds"] for metrics in run.epochs.values()),
        "weights_sha256": run.tags.get(WEIGHTS_TAG),
    }


def _kept_so_far(run: StoredRun) -> int:
    """The epoch whose weights a killed run would have kept; 0 if it has none."""
    trainer = TrainerSettings(**{key: run.config["trainer"][key] for key in ("monitor", "restore_best")})
    selection = Selection(trainer, np.empty(0), has_validation=any(trainer.monitor in m for m in run.epochs.values()))
    for epoch, metrics in sorted(run.epochs.items()):
        selection.observe(epoch, metrics)
    return selection.epoch
