"""How many epochs to train, where that changes on the way."""

from __future__ import annotations

from nnlab.training.settings import TrainerSettings


class Extensions:
    """The settings' epochs, and what was asked for after some of them.

    Args:
        settings: of the trainer.
    """

    def __init__(self, settings: TrainerSettings) -> None:
        self._settings = settings
        self._by_start: dict[int, int] = {}

    def add(self, after: int, epochs: int) -> None:
        """From the epoch after `after` on, train `epochs` in total, and plan the schedule for them.

        Raises:
            ValueError: if that is none more.
        """
        if not 0 <= after < epochs:
            raise ValueError(f"`epochs` must be more than the {after} before the extension, but got {epochs}.")
        self._by_start = {start: total for start, total in self._by_start.items() if start < after} | {after: epochs}

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends, unless patience ends it before."""
        return list(self._by_start.values())[-1] if self._by_start else self._settings.last_epoch

    def planned(self, epoch: int) -> int:
        """For how many epochs the schedule is planned in `epoch`."""
        planned = self._settings.epochs
        for after, total in self._by_start.items():
            if after < epoch:
                planned = total
        return planned
