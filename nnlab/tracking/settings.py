"""What can be asked of tracking: the keys of the `tracking` config group, with their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nnlab.core.check import Checked, NotEmpty


@dataclass(frozen=True)
class TrackingSettings(Checked):
    """How a run reaches MLflow.

    Args:
        enabled: false leaves the run in its directory alone.
        uri: MLflow's tracking URI; null is a SQLite file in the runs folder.
        experiment: MLflow's experiment.
        plots: whether to draw pictures at the end.
    """

    enabled: bool
    uri: str | None
    experiment: Annotated[str, NotEmpty()]
    plots: bool
