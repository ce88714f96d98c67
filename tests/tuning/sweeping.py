"""Studies whose trials cost nothing: the parameters say what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from searching import NUMBERS, cost

from nnlab.config.jobs import conf_dir
from nnlab.tuning.budget import Budget
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Event
from nnlab.tuning.search.settings import SweepSettings, read_sweep
from nnlab.tuning.search.space import Space
from nnlab.tuning.storage import JOURNAL_FILE, open_storage
from nnlab.tuning.study import Study
from nnlab.tuning.trials import ASKED, OUTCOME, Asked, Outcome

EPOCHS = 5


def sweep_settings(**changes: Any) -> SweepSettings:
    """The defaults of `conf/study.yaml` without pruner, and the changes."""
    written = yaml.safe_load((conf_dir() / "study.yaml").read_text(encoding="utf-8"))["sweep"]
    written.pop("space")
    settings, problems = read_sweep(written | {"pruner": "none"} | changes)
    assert settings is not None, problems
    return settings


def journal_storage(folder: Path) -> BaseStorage:
    return open_storage(None, folder / JOURNAL_FILE)


def study_in(storage: BaseStorage, settings: SweepSettings, space: Space = NUMBERS, *, seed: int = 7) -> Study:
    return Study("a-study", storage, settings, space, seed, EPOCHS)


def finished(trial: FrozenTrial) -> Outcome:
    loss = cost(Asked.of(trial).values)
    return Outcome("finished", scores={"val/loss": loss, "val/accuracy": 1 / (1 + loss)}, parameters=10, epochs=EPOCHS)


def mixed(trial: FrozenTrial) -> Outcome:
    """Every fourth trial fails, and every fifth is pruned."""
    if trial.number % 4 == 3:
        return Outcome("failed", "ValueError: as arranged")
    if trial.number % 5 == 4:
        return Outcome("pruned", "pruned after epoch 2", scores={"val/loss": 9.0})
    return finished(trial)


def work(storage: BaseStorage, trial: FrozenTrial, outcome_of: Callable[[FrozenTrial], Outcome] = mixed) -> Outcome:
    """What a worker does to the storage."""
    outcome = outcome_of(trial)
    if outcome.status == "pruned":
        for epoch in (1, 2):
            storage.set_trial_intermediate_value(trial._trial_id, epoch, 10.0 - epoch)
    storage.set_trial_user_attr(trial._trial_id, OUTCOME, outcome.to_dict())
    return outcome


def run_one(study: Study, storage: BaseStorage, outcome_of: Callable[[FrozenTrial], Outcome] = mixed) -> FrozenTrial:
    """The next trial, proposed, run and ended."""
    trial = study.propose()
    return study.tell(trial, work(storage, trial, outcome_of))


class Workers(Executor):
    """Calls end when the coordinator waits, one at a time, and the one that `choose` says.

    It stands in for `concurrent.futures.wait` too, see `coordinated`.
    """

    def __init__(self, count: int, do: Callable[[FrozenTrial], Outcome], choose: Callable[[int], int]) -> None:
        self.pending: dict[Future[Any], FrozenTrial] = {}
        self._count, self._do, self._choose = count, do, choose

    def submit(self, fn: Any, /, task: Any, *args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[override]
        assert len(self.pending) < self._count
        future: Future[Any] = Future()
        self.pending[future] = task
        return future

    def wait(self, futures: Iterable[Any], timeout: float, return_when: str) -> tuple[set[Any], set[Any]]:
        assert set(futures) == set(self.pending)
        future = list(self.pending)[self._choose(len(self.pending))]
        try:
            future.set_result(self._do(self.pending.pop(future)))
        except BaseException as error:
            future.set_exception(error)
        return {future}, set(self.pending)


def repeated(storage: BaseStorage, original: FrozenTrial) -> FrozenTrial:
    """A trial that repeats another, as earlier versions created it when a combination was drawn again."""
    asked = Asked.of(original)
    number = len(storage.get_all_trials(storage.get_study_id_from_name("a-study")))
    again = replace(asked, batch=(number, 1), duplicate_of=original.number)
    optuna.load_study(study_name="a-study", storage=storage).add_trial(
        optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params=original.params,
            distributions=original.distributions,
            user_attrs={ASKED: again.to_dict()},
        )
    )
    return storage.get_all_trials(storage.get_study_id_from_name("a-study"))[number]


def first(count: int) -> int:
    return 0


def coordinated(
    monkeypatch: Any,
    storage: BaseStorage,
    settings: SweepSettings,
    space: Space = NUMBERS,
    *,
    workers: int = 1,
    do: Callable[[FrozenTrial], Outcome] | None = None,
    choose: Callable[[int], int] = first,
    task_of: Callable[[FrozenTrial], Any] = lambda trial: trial,
    see: Callable[[Event, Coordinator], None] = lambda event, coordinator: None,
    budget: Budget | None = None,
) -> tuple[Study, list[Event]]:
    """One session of a study; returns it as it is then, and the events."""
    study = study_in(storage, settings, space)
    crew = Workers(workers, do or (lambda trial: work(storage, trial)), choose)
    monkeypatch.setattr("nnlab.tuning.coordinator.wait", crew.wait)
    is_over = (lambda: False) if budget is None else (lambda: bool(budget.used_up(budget.use(study.known))))
    coordinator = Coordinator(study, settings, workers, crew, task_of, is_over)
    events = []
    for event in coordinator.run():
        events.append(event)
        see(event, coordinator)
    return study, events


def in_memory() -> BaseStorage:
    return optuna.storages.InMemoryStorage()


def proposals(study: Study) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Parameters, and all that was asked, by number."""
    return [(trial.params, Asked.of(trial).to_dict()) for trial in study.trials]
