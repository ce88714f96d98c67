"""Listening to a study, in the process that coordinates it."""

from __future__ import annotations

from nnlab.tuning.events import StudyEvent


class StudyListener:
    """Is told what happens in a study; of the epochs of its trials, which run elsewhere, the latest ones alone."""

    def on(self, event: StudyEvent) -> None:
        """Take an event; by default nothing is made of it."""
