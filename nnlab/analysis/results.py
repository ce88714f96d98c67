"""Runs read back as tables: from their directories, which hold the truth, not from MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from nnlab.config.repeat import leaves
from nnlab.errors import UserError
from nnlab.execution.run import EPOCH_TAG
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.provenance import WEIGHTS_TAG
from nnlab.training.selection import Selection
from nnlab.training.settings import TrainerSettings

if TYPE_CHECKING:
    import pandas as pd


def results(directories: Sequence[Path]) -> pd.DataFrame:
    """A row a run, in the order given.

    Its columns: `directory`; `status`; every key of the config by its dotted name; `epoch`, whose weights were kept,
    or would have been if the run had ended there, as in one that was killed;
    that epoch's metrics and the test split's; `seconds` of training, validation aside; `weights_sha256`. A list
    (`model.hidden`) is a tuple, so that rows can be grouped by it. What a run does not have is missing.

    Raises:
        UserError: if there is no run in one of the directories, or its files are damaged.
    """
    import pandas as pd

    return pd.DataFrame([_row(_Run.read(directory)) for directory in directories])


def histories(directories: Sequence[Path]) -> pd.DataFrame:
    """A row an epoch, run by run: `directory`, `epoch` (from 1) and the epoch's metrics.

    Raises:
        UserError: as `results`.
    """
    import pandas as pd

    runs = [_Run.read(directory) for directory in directories]
    return pd.DataFrame(
        [
            {"directory": run.directory, "epoch": epoch, **metrics}
            for run in runs
            for epoch, metrics in run.epochs.items()
        ]
    )


@dataclass(frozen=True)
class _Run:
    directory: Path
    config: dict[str, Any]
    status: str
    tags: dict[str, str]
    epochs: dict[int, dict[str, float]]
    test: dict[str, float]

    @classmethod
    def read(cls, directory: Path) -> _Run:
        if not journal.has_begun(directory / JOURNAL):
            raise UserError(f"Results are read from run directories, but {directory} holds no run. Check the path.")
        events = journal.counting(journal.read(directory / JOURNAL)[0])
        try:
            config = yaml.safe_load((directory / "config.yaml").read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(
                f"config.yaml must be as nnlab wrote it, but in {directory} it cannot be read "
                f"({' '.join(str(error).split())}). Restore it, or leave the run out."
            ) from error
        end = journal.end_of(events)
        test: dict[str, float] = next((event["metrics"] for event in events if event["event"] == "test"), {})
        return cls(
            directory,
            config,
            status=end["status"] if end else "running",
            tags={key: value for event in events if event["event"] == "note" for key, value in event["tags"].items()},
            epochs={event["epoch"]: event["metrics"] for event in events if event["event"] == "epoch"},
            test=test,
        )


def _row(run: _Run) -> dict[str, Any]:
    epoch = int(run.tags[EPOCH_TAG]) if EPOCH_TAG in run.tags else _kept_so_far(run)
    kept = {name: value for name, value in run.epochs.get(epoch, {}).items() if name != "time/epoch_seconds"}
    return {
        "directory": run.directory,
        "status": run.status,
        **{key: tuple(value) if isinstance(value, list) else value for key, value in leaves(run.config)},
        "epoch": epoch,
        **kept,
        **run.test,
        "seconds": sum(metrics["time/epoch_seconds"] for metrics in run.epochs.values()),
        "weights_sha256": run.tags.get(WEIGHTS_TAG),
    }


def _kept_so_far(run: _Run) -> int:
    """The epoch that a run which could not say so would have kept; 0 if it has none."""
    trainer = TrainerSettings(**{key: run.config["trainer"][key] for key in ("monitor", "restore_best")})
    selection = Selection(trainer, np.empty(0), has_validation=any(trainer.monitor in m for m in run.epochs.values()))
    for epoch, metrics in sorted(run.epochs.items()):
        selection.observe(epoch, metrics)
    return selection.epoch
