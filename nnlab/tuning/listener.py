"""Listening to a study, in the process that coordinates it."""

from __future__ import annotations

from nnlab.tuning.events import StudyEvent


class StudyListener:
    """Gets the events of a study; of the epochs of its trials, which run elsewhere, only the latest."""

    def on(self, event: StudyEvent) -> None:
        """Handle an event; by default does nothing."""
