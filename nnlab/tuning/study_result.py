"""What a session of a study ends with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nnlab.runs.journal import Status


@dataclass(frozen=True)
class StudyResult:
    """The result of a session of a study.

    Attributes:
        directory: the study's own.
        status: `finished` if it has all its trials.
        reason: why, if it has not.
    """

    directory: Path
    status: Status
    reason: str
