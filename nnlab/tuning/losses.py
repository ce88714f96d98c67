"""How often a trial was lost, with its process or for want of memory, and what becomes of one that always is."""

from __future__ import annotations

from nnlab.errors import MachineError
from nnlab.execution.processes import WorkerDiedError
from nnlab.tuning.trials import Outcome
from nnlab.wording import bytes_in_words

WITHOUT_ROOM = 1
"""So many losses may be an accident; after more of them, a trial is tried with nothing beside it."""


class Losses:
    """The losses of one trial.

    Attributes:
        count: of them.
        needs_room: whether the trial is to be alone on its machine from now on: others may be what it lacks memory for.
        is_too_large: whether it lacked memory when it was alone.
        latest: the last loss in words.
    """

    def __init__(self) -> None:
        self.count = 0
        self.needs_room = False
        self.is_too_large = False
        self.latest = ""
        self._alone = 0
        self._memory = 0
        self._was_memory = False

    def add(self, error: BaseException, *, was_alone: bool) -> None:
        """Count a loss.

        Args:
            error: of the executor, of memory in the trial itself, or of a signal that told its process to end.
            was_alone: whether nothing else ran beside the trial.
        """
        self.count += 1
        self._alone += was_alone
        self.latest = "its process was killed"
        if isinstance(error, MachineError):
            self.latest = str(error)
            self.is_too_large = was_alone
            self.needs_room = True
        elif isinstance(error, WorkerDiedError):
            self._memory = max(self._memory, error.memory)
            self._was_memory |= error.for_memory
            if error.for_memory:
                self.latest = (
                    f"its process was killed for want of memory, of which it had {bytes_in_words(error.memory)}"
                )
        self.needs_room |= self._was_memory or self.count > WITHOUT_ROOM

    @property
    def outcome(self) -> Outcome:
        """Of a trial that is not tried again."""
        if self.is_too_large:
            return Outcome("failed", f"{self.latest}, even with nothing beside it: the trial is too large")
        alone = f", {self._alone} of them with nothing beside it" if self._alone else ""
        why = "for want of memory" if self._was_memory else "out of memory?"
        used = f"{why}; it had {bytes_in_words(self._memory)}" if self._memory else why
        return Outcome(
            "killed", f"its process was killed {self.count} times{alone} ({used}); sweep.retries limits the retries"
        )


def is_of_memory(error: BaseException) -> bool:
    """Whether a trial has run out of memory without being killed."""
    return isinstance(error, MachineError) and error.kind == "memory"
