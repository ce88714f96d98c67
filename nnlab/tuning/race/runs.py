"""The further runs of a race in the storage: a study of their own, whose trials are one run each.

So whatever holds for trials holds for them (see `confirm/study.py`): what is decided is stored in one record before it
is done, and a killed process leaves a run that the next session takes up. No sampler sees them as trials, and they are
not counted in `sweep.trials`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import get_all_study_names
from optuna.trial import FrozenTrial

from nnlab.check import Range
from nnlab.tuning.new_trial import running
from nnlab.tuning.race.board import Board
from nnlab.tuning.race.rule import Item
from nnlab.tuning.search.pruners import NoPruner
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space
from nnlab.tuning.storage import answering
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, as_stored

BATCH = "batch"
"""The attribute of the further runs' study that holds the latest batch of several kinds."""
Count = Annotated[int, Range(ge=0)]


def study_of(name: str) -> str:
    """The name in the storage of the further runs of the study `name`; no study of its own can have it."""
    return f"{name}/race"


@dataclass(frozen=True)
class Batch:
    """A synchronous batch that has further runs in it.

    Attributes:
        runs: them.
        first: the number of the first new trial of the batch.
        size: how many new trials it has.
    """

    runs: list[tuple[Count, Count]]
    first: Count
    size: Count


class RaceRuns(Study):
    """The further runs of a study.

    Args:
        search: the name of the study.
        storage: of it.
        settings: of the sweep.
        space: what is searched.
    """

    def __init__(self, search: str, storage: BaseStorage, settings: SweepSettings, space: Space) -> None:
        alone = replace(settings, seeds=1, pruner=NoPruner(), deterministic=False, race=False)
        self._next_run: Asked | None = None
        super().__init__(study_of(search), storage, alone, space, seed=0, epochs=1)

    def create(self, item: Item, trial: FrozenTrial, seed: int) -> FrozenTrial:
        """Create the run that gives a trial the seed of that place.

        A limit is that of each run: were it that of their sum, the best trial, which has the most, would pass it first.
        """
        self._next_run = Asked(Asked.of(trial).values, [seed], (0, 1), further_of=item)
        return self.propose()

    def _next(self, number: int, batch: tuple[int, int]) -> FrozenTrial:
        assert self._next_run is not None
        return running(number, {}, self._space, replace(self._next_run, batch=(number, 1)), {})

    @property
    @answering()
    def batch(self) -> Batch | None:
        """The latest batch that was planned; None if there was none.

        Raises:
            UserError: if the storage does not have it as nnlab wrote it.
        """
        fields = self._storage.get_study_user_attrs(self._stored._study_id).get(BATCH)
        batch: Batch | None = None if fields is None else as_stored(Batch, fields, f"the batch of {self.name!r}")
        return batch

    @answering()
    def plan(self, batch: Batch) -> None:
        """Store a batch, before anything of it is created."""
        fields: dict[str, Any] = {**asdict(batch), "runs": [list(item) for item in batch.runs]}
        self._storage.set_study_user_attr(self._stored._study_id, BATCH, fields)


def raced(
    storage: BaseStorage, name: str, trials: Sequence[FrozenTrial], objectives: Sequence[str]
) -> list[FrozenTrial]:
    """The trials of the study `name` as their further seeds have them, or as they are if there was no race.

    Args:
        storage: of the study.
        name: of the study.
        trials: as they are stored.
        objectives: of the study.

    Raises:
        UserError: if the storage does not have them as nnlab wrote them.
    """
    if study_of(name) not in get_all_study_names(storage):
        return list(trials)
    runs = optuna.load_study(study_name=study_of(name), storage=storage).get_trials(deepcopy=False)
    board = Board(objectives[0], seeds=max((Asked.of(run).further_of or (0, 1))[1] for run in runs) if runs else 1)
    board.add_all(trials, runs)
    return [board.seen(trial) for trial in trials]
