"""Racing studies whose runs cost nothing: values and seed say what comes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from searching import NUMBERS
from sweeping import EPOCHS, Workers, first, sweep_settings

from nnlab.errors import RunFailedError
from nnlab.tuning.coordinator import Coordinator
from nnlab.tuning.coordinator_events import Event
from nnlab.tuning.race.board import is_further, item_of
from nnlab.tuning.race.study import RacingStudy
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space
from nnlab.tuning.trials import OUTCOME, Asked, Outcome

SEEDS = 4
Do = Callable[[FrozenTrial], Outcome]


def racing_settings(**changes: Any) -> SweepSettings:
    return sweep_settings(**{"race": True, "seeds": SEEDS, "trials": 12, "sampler": "random"} | changes)


def noisy(run: FrozenTrial) -> Outcome:
    """How far the rate is from 0.1, some noise, and what the seed does to all."""
    asked = Asked.of(run)
    own = np.random.default_rng([asked.seeds[0], *(int(1e6 * hash_of(value)) for value in asked.values.values())])
    shared = np.random.default_rng(asked.seeds[0])
    loss = abs(math.log10(asked.values["optimizer.lr"]) + 1) + 0.2 * own.normal() + shared.normal() + 5
    name = f"run-{item_of(run) if is_further(run) else run.number}"
    return Outcome("finished", scores={"val/loss": loss}, parameters=10, epochs=EPOCHS, seconds=1.0, runs=[name])


def hash_of(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else len(str(value)) / 10


def racing(storage: BaseStorage, settings: SweepSettings, space: Space = NUMBERS) -> RacingStudy:
    return RacingStudy("a-study", storage, settings, space, 7, EPOCHS)


def session(
    storage: BaseStorage,
    settings: SweepSettings,
    space: Space = NUMBERS,
    *,
    workers: int = 1,
    do: Do = noisy,
    choose: Callable[[int], int] = first,
    killed_after: int | None = None,
    see: Callable[[RacingStudy, Event], None] = lambda study, event: None,
) -> RacingStudy:
    """One session of a racing study, which is left at the event of that number."""

    def work(run: FrozenTrial) -> Outcome:
        outcome = do(run)
        storage.set_trial_user_attr(run._trial_id, OUTCOME, outcome.to_dict())
        return outcome

    study = racing(storage, settings, space)
    crew = Workers(workers, work, choose)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlab.tuning.coordinator.wait", crew.wait)
        coordinator = Coordinator(study, settings, workers, crew, lambda trial: trial)  # type: ignore[arg-type,return-value]
        for count, event in enumerate(coordinator.run()):
            see(study, event)
            if count == killed_after:
                break
    return study


class Killed(BaseException):
    """Stands in for SIGKILL."""


def killed_before_record(storage: BaseStorage, number: int, do: Callable[[], object]) -> bool:
    """Do something with a storage that dies before it takes its record of that number; returns whether it died."""
    left, has_died = number, False

    def dying(take: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any, **keys: Any) -> Any:
            nonlocal left, has_died
            left, has_died = left - 1, left <= 0
            if has_died:
                raise Killed
            return take(*arguments, **keys)

        return record

    with pytest.MonkeyPatch.context() as patch, suppress(Killed, RunFailedError):
        for name in ("create_new_trial", "set_trial_user_attr", "set_trial_state_values", "set_study_user_attr"):
            patch.setattr(storage, name, dying(getattr(storage, name)))
        do()
    return has_died


def facts(study: RacingStudy) -> list[Any]:
    """All that is known of trials and further runs, but when."""
    seen = [(trial.number, trial.state.name, trial.values, trial.params, trial.user_attrs) for trial in study.trials]
    runs = sorted((item_of(run), run.values, run.user_attrs[OUTCOME]) for run in study.runs.trials)
    return [seen, runs]
