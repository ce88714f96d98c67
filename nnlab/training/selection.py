"""Which epoch's weights to keep, and when to stop early. Only the validation split decides."""

from __future__ import annotations

from collections.abc import Mapping

from nnlab.core.node import Array
from nnlab.training.settings import SCORES, TrainerSettings


class Selection:
    """Keeps the weights of the best epoch.

    Without a validation split nothing can be selected: the last epoch is kept.

    Attributes:
        epoch: the epoch whose weights `restore` leaves; 0 before the first.

    Args:
        settings: monitor, patience and whether to restore the best epoch.
        parameters: the network's parameter vector (p,), which training changes in place.
        has_validation: whether there is a validation score.
    """

    def __init__(self, settings: TrainerSettings, parameters: Array, *, has_validation: bool) -> None:
        self._settings = settings
        self._parameters = parameters
        self._selects = has_validation
        self._kept = parameters.copy() if has_validation and settings.restore_best else None
        self._best_epoch = 0
        self._last_epoch = 0
        self._best_score: float | None = None

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Record the metrics of an epoch; returns whether it is the best so far (ties go to the earlier one)."""
        self._last_epoch = epoch
        if not self._selects:
            return True
        score = metrics[self._settings.monitor]
        if SCORES[self._settings.monitor] == "maximize":
            score = -score
        if self._best_score is not None and score >= self._best_score:
            return False
        self._best_score, self._best_epoch = score, epoch
        if self._kept is not None:
            self._kept[...] = self._parameters
        return True

    @property
    def epoch(self) -> int:
        """The epoch whose weights are kept."""
        return self._last_epoch if self._kept is None else self._best_epoch

    @property
    def is_exhausted(self) -> bool:
        """Whether `patience` epochs have passed without a better one."""
        patience = self._settings.patience
        return self._selects and patience is not None and self._last_epoch - self._best_epoch >= patience

    def restore(self) -> None:
        """Put the kept weights back into the network."""
        if self._kept is not None and self._best_epoch:
            self._parameters[...] = self._kept
