"""What the pruner decides about a trial that is retried after a kill: the same as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

from nnlab.tuning.search.pruners import Halving, Hyperband, Median, Pruner, Wilcoxon
from nnlab.tuning.trial import Task, watch_of
from nnlab.tuning.watch import Pruning, Watch

optuna.logging.set_verbosity(optuna.logging.ERROR)

EPOCHS = 9
TRIALS = 14
CURVES = np.random.default_rng(5).random((TRIALS, 1)) + np.random.default_rng(6).random((TRIALS, EPOCHS)) / 2
PRUNERS: dict[str, Pruner] = {
    "median": Median(startup_trials=2, warmup_epochs=0),
    "asha": Halving(reduction_factor=2),
    "hyperband": Hyperband(reduction_factor=2),
}


def task(trial_id: int, pruner: Pruner, *, seeds: int = 1, as_mean: bool = True, **trainer: Any) -> Task:
    config = SimpleNamespace(trainer=SimpleNamespace(last_epoch=trainer.get("last_epoch", EPOCHS)))
    return Task(
        study="a-study",
        storage=None,
        journal=Path("unused"),
        trial_id=trial_id,
        number=trial_id,
        configs=[config] * seeds,  # type: ignore[list-item]
        commands=[],
        directory=Path("unused"),
        paths=[],
        names=[],
        tags={},
        data=[],
        pruning=Pruning("val/loss", pruner.make(EPOCHS, seeds), by_seed=seeds > 1, as_mean=as_mean),
        objectives=["val/loss"],
    )


def epochs_of(watch: Watch, curve: Any, until: int = EPOCHS) -> int:
    """The epoch after which the trial is pruned, or the last one."""
    for epoch in range(1, until + 1):
        if watch.saw_epoch(epoch, {"val/loss": float(curve[epoch - 1])}):
            return epoch
    return until


def lengths(pruner: Pruner, killed: Any = lambda storage, number: None) -> list[int]:
    """How many epochs each trial has; `killed` does to the storage what a trial that is then killed does."""
    storage: BaseStorage = InMemoryStorage()
    optuna.create_study(study_name="a-study", storage=storage)
    found = []
    for number, curve in enumerate(CURVES):
        trial_id = storage.create_new_trial(storage.get_study_id_from_name("a-study"))
        killed(storage, number)
        found.append(epochs_of(watch_of(task(trial_id, pruner), storage), curve))
        steps = storage.get_trial(trial_id).intermediate_values
        assert steps == {epoch: curve[epoch - 1] for epoch in range(1, found[-1] + 1)}
        is_whole = found[-1] == EPOCHS
        state = TrialState.COMPLETE if is_whole else TrialState.PRUNED
        storage.set_trial_state_values(trial_id, state, [float(curve[found[-1] - 1])])
    return found


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("killed_after", range(1, EPOCHS))
def test_a_trial_killed_after_the_pruner_spoke_ends_as_if_it_had_not_been(name: str, killed_after: int) -> None:
    def killed(storage: BaseStorage, number: int) -> None:
        epochs_of(watch_of(task(number, PRUNERS[name]), storage), CURVES[number], killed_after)

    undisturbed = lengths(PRUNERS[name])
    assert 1 <= min(undisturbed) < EPOCHS == max(undisturbed)
    assert lengths(PRUNERS[name], killed) == undisturbed


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("killed_after", range(1, EPOCHS))
def test_a_trial_killed_before_the_pruner_spoke_ends_as_if_it_had_not_been(name: str, killed_after: int) -> None:
    def killed(storage: BaseStorage, number: int) -> None:
        watch = watch_of(task(number, PRUNERS[name]), storage)
        epochs_of(watch, CURVES[number], killed_after - 1)
        if not watch.reason:
            storage.set_trial_intermediate_value(number, killed_after, float(CURVES[number][killed_after - 1]))

    assert lengths(PRUNERS[name], killed) == lengths(PRUNERS[name])


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_a_trial_killed_twice_leaves_the_notes_of_one(name: str) -> None:
    notes = []
    for kills in (0, 2):
        storage: BaseStorage = InMemoryStorage()
        optuna.create_study(study_name="a-study", storage=storage)
        trial_id = storage.create_new_trial(0)
        for _ in range(kills + 1):
            epochs_of(watch_of(task(trial_id, PRUNERS[name]), storage), CURVES[0])
        notes.append(storage.get_trial(trial_id).system_attrs)
    assert notes[0] == notes[1] != {}


def worst(storage: BaseStorage, steps: int) -> int:
    """A trial beside three good ones; with two of them complete, the median pruner stops it as soon as it may."""
    study = optuna.create_study(study_name="a-study", storage=storage)
    for _ in range(3):
        trial = study.ask()
        for step in range(1, steps + 1):
            trial.report(0.1 + trial.number / 100 + step / 1000, step)
        study.tell(trial, 0.1)
    return storage.create_new_trial(0)


def test_a_trial_is_not_pruned_when_it_is_over_anyway() -> None:
    pruner = Median(startup_trials=2, warmup_epochs=2)
    for last_epoch, reason in [(3, None), (4, "pruned after epoch 3: val/loss 5")]:
        storage: BaseStorage = InMemoryStorage()
        watch = watch_of(task(worst(storage, EPOCHS), pruner, last_epoch=last_epoch), storage)
        assert [watch.saw_epoch(epoch, {"val/loss": 5.0}) for epoch in (1, 2)] == [None, None]
        assert watch.saw_epoch(3, {"val/loss": 5.0}) == reason


@pytest.mark.parametrize(("as_mean", "reported"), [(True, {1: 1.0, 2: 2.0}), (False, {1: 1.0, 2: 3.0})])
def test_a_trial_with_several_seeds_is_judged_after_each_by_the_mean_or_the_run_s_own_score(
    as_mean: bool, reported: dict[int, float]
) -> None:
    storage: BaseStorage = InMemoryStorage()
    optuna.create_study(study_name="a-study", storage=storage)
    trial_id = storage.create_new_trial(0)
    watch = watch_of(task(trial_id, Wilcoxon(), seeds=3, as_mean=as_mean), storage)
    results: list[Any] = []
    for score in (1.0, 3.0, 8.0):
        assert watch.saw_epoch(1, {"val/loss": 99.0}) is None
        results.append(SimpleNamespace(scores={"val/loss": score}))
        assert not watch.prunes_after(results)
    assert storage.get_trial(trial_id).intermediate_values == reported  # the last is no step: the trial is over


def test_a_trial_that_is_bad_with_its_first_seeds_has_no_further_ones() -> None:
    storage: BaseStorage = InMemoryStorage()
    watch = watch_of(task(worst(storage, 3), Median(startup_trials=2, warmup_epochs=1), seeds=3), storage)
    results: list[Any] = [SimpleNamespace(scores={"val/loss": 4.0})]
    assert not watch.prunes_after(results)
    assert watch.prunes_after([*results, SimpleNamespace(scores={"val/loss": 6.0})])  # type: ignore[list-item]
    assert watch.reason == "pruned after seed 2 of 3: val/loss 5"


def test_nothing_is_reported_where_nothing_is_pruned() -> None:
    storage: BaseStorage = InMemoryStorage()
    optuna.create_study(study_name="a-study", storage=storage)
    trial_id = storage.create_new_trial(0)
    unwatched = SimpleNamespace(**vars(task(trial_id, Median())) | {"pruning": None})
    watch = watch_of(unwatched, storage)  # type: ignore[arg-type]
    assert watch.saw_epoch(1, {"val/loss": 99.0}) is None
    assert storage.get_trial(trial_id).intermediate_values == {}
