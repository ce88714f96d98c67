"""A study's trials: created whole or not at all, the same wherever the study was cut, ended once."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from searching import FITTING, NUMBERS, space_of
from sweeping import (
    EPOCHS,
    finished,
    in_memory,
    journal_storage,
    proposals,
    repeated,
    study_in,
    sweep_settings,
    work,
)

from nnlab.errors import RunFailedError
from nnlab.tuning.search.proposer import NothingLeftError
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import SHARED, Study, trial_seeds
from nnlab.tuning.trials import Asked, Outcome

TRIALS = 15
TWO = space_of({"trainer.batch_size": "choice(16, 32)"})


def complete(study: Study, storage: Any, trials: int = TRIALS) -> None:
    """What one worker and its coordinator do, from wherever the study is."""
    for trial in study.unfinished():
        study.tell(trial, Outcome.of(trial) or work(storage, trial))
    while len(study.trials) < trials:
        trial = study.propose()
        study.tell(trial, work(storage, trial))


@pytest.mark.parametrize("sampler", ["tpe", "mixed", "random", "grid", "qmc", "cmaes"])
def test_a_study_that_is_killed_after_any_of_its_records_continues_the_same(sampler: str, tmp_path: Path) -> None:
    settings = sweep_settings(
        sampler=sampler, sampler_options={"startup_trials": 4} if sampler in ("tpe", "mixed") else {}
    )
    storage = journal_storage(tmp_path)
    undisturbed = study_in(storage, settings, FITTING[sampler])
    complete(undisturbed, storage)
    states = [trial.state.name for trial in undisturbed.trials]
    assert (states.count("FAIL"), states.count("PRUNED"), states.count("COMPLETE")) == (3, 3, 9)
    records = (tmp_path / JOURNAL_FILE).read_bytes().splitlines(keepends=True)
    for cut in range(0, len(records), 7):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / JOURNAL_FILE).write_bytes(b"".join(records[:cut]))
        storage = journal_storage(folder)
        resumed = study_in(storage, settings, FITTING[sampler])
        complete(resumed, storage)
        assert proposals(resumed) == proposals(undisturbed)
        assert [trial.state.name for trial in resumed.trials] == states
        assert [trial.values for trial in resumed.trials] == [trial.values for trial in undisturbed.trials]


def test_a_kill_before_a_proposal_is_stored_leaves_no_trace_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = journal_storage(tmp_path)
    study = study_in(storage, sweep_settings())
    complete(study, storage, 3)
    written = (tmp_path / JOURNAL_FILE).read_bytes()

    def killed(trial: Any) -> None:
        assert trial.params
        raise KeyboardInterrupt("killed")

    monkeypatch.setattr(study._stored, "add_trial", killed)
    with pytest.raises(KeyboardInterrupt, match="killed"):
        study.propose()
    assert (tmp_path / JOURNAL_FILE).read_bytes() == written
    again = study_in(journal_storage(tmp_path), sweep_settings())
    again.propose()
    whole = in_memory()
    undisturbed = study_in(whole, sweep_settings())
    complete(undisturbed, whole, 3)
    undisturbed.propose()
    assert proposals(again) == proposals(undisturbed)


def test_a_proposal_is_one_record_of_the_journal(tmp_path: Path) -> None:
    study = study_in(journal_storage(tmp_path), sweep_settings())
    before = (tmp_path / JOURNAL_FILE).read_bytes().count(b"\n")
    study.propose()
    assert (tmp_path / JOURNAL_FILE).read_bytes().count(b"\n") == before + 1


def test_what_was_tried_is_not_proposed_again_and_nothing_is_left_in_the_end() -> None:
    study = study_in(in_memory(), sweep_settings(sampler="random"), TWO)
    tried = [Asked.of(study.propose()).values["trainer.batch_size"] for _ in range(2)]
    assert sorted(tried) == [16, 32]
    with pytest.raises(NothingLeftError, match="each combination of the search space was tried"):
        study.propose()
    assert (study.propose_batch(3), study.is_exhausted) == ([], False)
    assert study.nothing_left


def test_repetitions_are_proposed_where_they_are_wanted() -> None:
    study = study_in(in_memory(), sweep_settings(sampler="random", repeat_duplicates=True), TWO)
    asked = [Asked.of(study.propose()) for _ in range(6)]
    assert {each.duplicate_of for each in asked} == {None}
    assert len({tuple(each.seeds) for each in asked}) == 6


@pytest.mark.parametrize(
    "outcome", [Outcome("pruned", "as arranged", scores={"val/loss": 8.0}, runs=["a-study-0000"]), None]
)
def test_a_repetition_of_an_earlier_version_ends_as_the_trial_that_it_repeats(outcome: Outcome | None) -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings(sampler="random"), TWO)
    trial = study.propose()
    original = study.tell(trial, work(storage, trial, lambda trial: outcome or finished(trial)))
    repetition = repeated(storage, original)
    resumed = study_in(storage, sweep_settings(sampler="random"), TWO)
    ended = resumed.end_duplicate(repetition, original)
    assert (ended.state, ended.values) == (original.state, original.values)
    assert ended.intermediate_values == original.intermediate_values
    told = Outcome.of(ended)
    assert told is not None
    assert told.reason == ("the same values as trial 0: as arranged" if outcome else "")
    assert replace(told, reason="") == replace(Outcome.of(original) or told, reason="")
    assert resumed.unfinished() == []


def test_telling_twice_changes_nothing(tmp_path: Path) -> None:
    storage = journal_storage(tmp_path)
    study = study_in(storage, sweep_settings())
    trial = study.propose()
    ended = study.tell(trial, work(storage, trial, finished))
    written = (tmp_path / JOURNAL_FILE).read_bytes()
    assert study.tell(trial, Outcome("failed", "too late")) == ended
    assert study.tell(ended, finished(trial)) == ended
    assert (tmp_path / JOURNAL_FILE).read_bytes() == written


@pytest.mark.parametrize(
    ("outcome", "state", "value"),
    [
        (Outcome("finished", scores={"val/loss": 0.25, "val/accuracy": 0.9}), TrialState.COMPLETE, 0.25),
        (Outcome("pruned", scores={"val/loss": 0.5}), TrialState.PRUNED, 8.0),
        (Outcome("diverged", "the loss is nan"), TrialState.FAIL, None),
        (Outcome("failed", "ValueError: no"), TrialState.FAIL, None),
        (Outcome("killed", "out of memory"), TrialState.FAIL, None),
    ],
    ids=lambda value: value.status if isinstance(value, Outcome) else "",
)
def test_how_a_trial_ends_in_the_storage(outcome: Outcome, state: TrialState, value: float | None) -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    trial = study.propose()
    ended = study.tell(trial, work(storage, trial, lambda trial: outcome))
    assert (ended.state, ended.value, Outcome.of(ended)) == (state, value, outcome)
    assert study.finished == (state != TrialState.FAIL)


def test_two_objectives_are_two_values_in_their_order() -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings(objective=["val/accuracy", "seconds"]))
    trial = study.propose()
    outcome = Outcome("finished", scores={"val/loss": 0.25, "val/accuracy": 0.9}, seconds=3.5)
    assert study.tell(trial, outcome).values == [0.9, 3.5]
    assert [direction.name for direction in optuna.load_study(study_name="a-study", storage=storage).directions] == [
        "MAXIMIZE",
        "MINIMIZE",
    ]


def test_every_run_of_every_trial_of_every_study_has_a_seed_of_its_own() -> None:
    seeds = [seed for study in range(10) for number in range(20) for seed in trial_seeds(study, number, 5)]
    assert len(set(seeds)) == len(seeds) == 1000
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert trial_seeds(3, 8, 5)[:2] == trial_seeds(3, 8, 2)
    asked = [Asked.of(study_in(in_memory(), sweep_settings(seeds=3)).propose()).seeds for _ in range(2)]
    assert asked[0] == asked[1] == trial_seeds(7, 0, 3)


def test_trials_may_share_their_seeds_which_are_no_trials_own() -> None:
    study = Study("a-study", in_memory(), sweep_settings(seeds=3), NUMBERS, 7, EPOCHS, shares_seeds=True)
    shared = [Asked.of(study.propose()).seeds for _ in range(4)]
    assert shared == [shared[0]] * 4
    assert len(set(shared[0])) == 3
    assert not set(shared[0]) & {seed for number in range(50) for seed in trial_seeds(7, number, 3)}
    assert shared[0][:2] == trial_seeds(7, SHARED, 2), "more seeds change none of the first"


def test_a_batch_starts_at_its_first_trial_and_is_completed_after_a_kill() -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    trial = study.propose()
    study.tell(trial, finished(trial))
    study.propose((1, 3))
    resumed = study_in(storage, sweep_settings())
    assert [Asked.of(trial).batch for trial in resumed.complete_batch()] == [(1, 3), (1, 3)]
    assert resumed.complete_batch() == []
    whole = study_in(in_memory(), sweep_settings())
    trial = whole.propose()
    whole.tell(trial, finished(trial))
    assert [trial.number for trial in whole.propose_batch(3)] == [1, 2, 3]
    assert proposals(resumed) == proposals(whole)


def test_a_trial_from_elsewhere_is_refused() -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    study.propose()
    optuna.load_study(study_name="a-study", storage=storage).ask()
    with pytest.raises(RunFailedError, match="trial 1 came from elsewhere"):
        study.propose()


CALLS: dict[str, Callable[[Study, FrozenTrial], Any]] = {
    "propose": lambda study, trial: study.propose(),
    "tell": lambda study, trial: study.tell(trial, finished(trial)),
    "trials": lambda study, trial: study.trials,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_storage_that_fails_in_the_middle_is_one_message(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = in_memory()
    study = study_in(storage, sweep_settings())
    trial = study.propose()

    def fails(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("create_new_trial", "set_trial_state_values", "get_all_trials"):
        monkeypatch.setattr(storage, name, fails)
    with pytest.raises(RunFailedError, match=r"storage does not answer: OSError: .* No space left"):
        CALLS[call](study, trial)
