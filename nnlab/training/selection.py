"""Which epoch's weights to keep, and when to stop early. Only the validation split decides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nnlab.core.node import Array
from nnlab.training.settings import SCORES, TrainerSettings


class Selection:
    """Keeps the weights of the best epoch.

    Without a validation split nothing can be selected: the last epoch is kept.

    Attributes:
        last_epoch: the last that was observed; 0 before the first. With the next three it is all that later choices
            depend on.
        best_epoch: the best of them; 0 before the first.
        best_score: its score, the smaller the better; None before the first.
        kept: (p,) its weights; None where the last ones are kept.

    Args:
        settings: monitor, patience and whether to restore the best epoch.
        parameters: the network's parameter vector (p,), which training changes in place.
        has_validation: whether there is a validation score.
    """

    def __init__(self, settings: TrainerSettings, parameters: Array, *, has_validation: bool) -> None:
        self._settings = settings
        self._parameters = parameters
        self._selects = has_validation
        self.kept = parameters.copy() if has_validation and settings.restore_best else None
        self.best_epoch = 0
        self.last_epoch = 0
        self.best_score: float | None = None

    @classmethod
    def of_recorded(cls, settings: TrainerSettings, epochs: Mapping[int, Mapping[str, float]]) -> Selection:
        """The choice among epochs that are on record, by their metrics; without weights.

        Raises:
            KeyError: if some of them have the monitored score, and another has not: its number.
        """
        has_validation = any(settings.monitor in metrics for metrics in epochs.values())
        chosen = cls(settings, np.empty(0), has_validation=has_validation)
        for epoch, metrics in sorted(epochs.items()):
            if has_validation and settings.monitor not in metrics:
                raise KeyError(epoch)
            chosen.observe(epoch, metrics)
        return chosen

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Record the metrics of an epoch; returns whether it is the best so far (ties go to the earlier one)."""
        self.last_epoch = epoch
        if not self._selects:
            return True
        score = metrics[self._settings.monitor]
        if SCORES[self._settings.monitor] == "maximize":
            score = -score
        if self.best_score is not None and score >= self.best_score:
            return False
        self.best_score, self.best_epoch = score, epoch
        if self.kept is not None:
            self.kept[...] = self._parameters
        return True

    @property
    def epoch(self) -> int:
        """The epoch whose weights `restore` leaves; 0 before the first."""
        return self.last_epoch if self.kept is None else self.best_epoch

    @property
    def is_exhausted(self) -> bool:
        """Whether `patience` epochs have passed without a better one."""
        patience = self._settings.patience
        return self._selects and patience is not None and self.last_epoch - self.best_epoch >= patience

    def restore(self) -> None:
        """Put the kept weights back into the network."""
        if self.kept is not None and self.best_epoch:
            self._parameters[...] = self.kept
