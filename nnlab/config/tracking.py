"""The keys of the `tracking` config group, with their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nnlab.check import Checked, Matches

LONGEST_EXPERIMENT = 500
"""Characters of a name, in MLflow's own check (`mlflow.utils.validation`)."""

LONGEST_IN_A_DATABASE = 256
"""Characters of a name that MLflow's tables have room for; SQLite takes more."""

ExperimentName = Annotated[
    str,
    # No lone surrogates (bytes of a command line that are no UTF-8), which cannot be stored; no null character.
    Matches(
        rf"(?s)(?=.*\S)[^\x00\ud800-\udfff]{{1,{LONGEST_EXPERIMENT}}}",
        f"a text of 1 to {LONGEST_EXPERIMENT} characters that are not all spaces",
    ),
]


@dataclass(frozen=True)
class TrackingSettings(Checked):
    """How a run reaches MLflow.

    Args:
        enabled: false leaves the run in its directory alone.
        uri: MLflow's tracking URI; null is a SQLite file in the runs folder.
        experiment: MLflow's experiment.
        plots: whether to draw pictures at the end.
        diff: whether to keep what was changed in nnlab's source since its commit.
    """

    enabled: bool
    uri: str | None
    experiment: ExperimentName
    plots: bool
    diff: bool

    @property
    def destination(self) -> str | None:
        """Where the run goes, resolved in a validated config; None keeps it out of MLflow."""
        return self.uri if self.enabled and self.uri else None
