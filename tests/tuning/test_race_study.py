"""Racing studies through the real coordinator: what runs, what is stored and what is seen of it."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from racing import SEEDS, facts, killed_before_record, noisy, racing, racing_settings, session
from searching import FINITE
from sweeping import in_memory, journal_storage

from nnlab.tuning.coordinator_events import Ended, Event, Started
from nnlab.tuning.race.board import is_further, item_of
from nnlab.tuning.race.runs import raced, study_of
from nnlab.tuning.race.study import RacingStudy
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.trials import Asked, Outcome, TrialStatus

LOSS = ["val/loss"]


def read_back(storage: BaseStorage) -> list[FrozenTrial]:
    from optuna import load_study

    trials = load_study(study_name="a-study", storage=storage).get_trials(deepcopy=False)
    return raced(storage, "a-study", trials, LOSS)


def shown(trials: list[FrozenTrial]) -> list[Any]:
    return [(trial.number, trial.state, trial.values, trial.user_attrs) for trial in trials]


@pytest.mark.parametrize(("workers", "deterministic"), [(1, False), (3, False), (3, True)])
def test_the_best_has_all_seeds_and_all_trials_share_them_in_order(workers: int, deterministic: bool) -> None:
    storage = in_memory()
    started: list[FrozenTrial] = []

    def see(study: RacingStudy, event: Event) -> None:
        if isinstance(event, Started):
            started.append(event.trial)

    study = session(storage, racing_settings(deterministic=deterministic), workers=workers, see=see)
    trials = study.trials
    best = best_trial(trials, LOSS)
    assert best is not None
    assert best.number == study.board.race.leader
    assert study.finished == len(trials) == 12
    seeds = Asked.of(best).seeds
    assert len(set(seeds)) == SEEDS
    assert all(Asked.of(trial).seeds == seeds[: len(Asked.of(trial).seeds)] for trial in trials)
    assert study.board.race.due() == []
    # Nothing runs twice, and the search has each trial with its first seed.
    items = [item_of(run) if is_further(run) else (run.number, 1) for run in started]
    assert len(set(items)) == len(items) == sum(len(Asked.of(trial).seeds) for trial in trials)
    assert len(items) < 0.75 * SEEDS * 12
    for run in started:
        if is_further(run):
            assert Asked.of(run).values == Asked.of(trials[item_of(run)[0]]).values
    assert shown(read_back(storage)) == shown(trials)


@pytest.mark.parametrize("seed", range(4))
def test_a_seed_that_ends_before_an_earlier_one_is_not_run_again(seed: int) -> None:
    draw = random.Random(seed)
    study = session(in_memory(), racing_settings(), workers=3, choose=lambda count: draw.randrange(count))
    items = [item_of(run) for run in study.runs.trials]
    assert sorted(items) == sorted(set(items))
    assert study.is_settled


def test_a_trial_is_seen_with_the_means_of_its_seeds() -> None:
    study = session(in_memory(), racing_settings())
    for trial in study.trials:
        outcome, seeds = Outcome.of(trial), Asked.of(trial).seeds
        assert outcome is not None
        own = [noisy(run) for run in study.runs.trials if item_of(run)[0] == trial.number]
        first = noisy(next(each for each in super(RacingStudy, study).trials if each.number == trial.number))
        losses = [each.scores["val/loss"] for each in (first, *sorted(own, key=lambda each: each.runs))]
        assert len(losses) == len(seeds)
        assert outcome.scores["val/loss"] == pytest.approx(fmean(losses))
        assert outcome.by_seed == ({"val/loss": losses} if len(losses) > 1 else {})
        assert (outcome.epochs, outcome.seconds) == (5 * len(losses), len(losses))
        if len(seeds) == SEEDS:
            assert trial.values == pytest.approx([fmean(losses)])


@pytest.mark.parametrize(("workers", "deterministic"), [(1, False), (3, True)])
def test_a_study_killed_before_any_record_and_resumed_is_the_undisturbed_one(workers: int, deterministic: bool) -> None:
    asked = racing_settings(deterministic=deterministic, trials=6)
    whole = session(in_memory(), asked, workers=workers)
    planned = whole.runs.batch
    assert deterministic == (planned is not None)
    kills = 0
    for record in itertools.count():
        storage = in_memory()
        if not killed_before_record(storage, record, lambda: session(storage, asked, workers=workers)):  # noqa: B023
            break
        kills += 1
        assert facts(session(storage, asked, workers=workers)) == facts(whole), record
    assert kills >= 3 * (6 + len(whole.runs.trials))


def test_a_race_with_a_sampler_that_learns_goes_on_as_it_would_have() -> None:
    asked = racing_settings(sampler="tpe", sampler_options={"startup_trials": 3}, trials=8)
    whole = session(in_memory(), asked)
    for killed_after in (9, 17, 24):
        storage = in_memory()
        session(storage, asked, killed_after=killed_after)
        assert facts(session(storage, asked)) == facts(whole)


@given(order=st.lists(st.integers(0, 11), min_size=1, max_size=12), workers=st.sampled_from([2, 3]))
@settings(max_examples=10, deadline=None)
def test_a_deterministic_race_is_the_same_in_whatever_order_runs_end(order: list[int], workers: int) -> None:
    asked, turns = racing_settings(deterministic=True, trials=8), iter(order * 50)
    shuffled = session(in_memory(), asked, workers=workers, choose=lambda count: next(turns) % count)
    assert facts(shuffled) == facts(session(in_memory(), asked, workers=workers))


def test_the_sampler_sees_the_same_live_as_after_a_resume() -> None:
    storage, asked = in_memory(), racing_settings(trials=20)

    def see(study: RacingStudy, event: Event) -> None:
        if isinstance(event, Ended):
            again = racing(storage, asked, FINITE)
            for live, read in zip(study.known, again.known, strict=True):
                assert (live.state, live.values, live.params) == (read.state, read.values, read.params)

    def do(run: FrozenTrial) -> Outcome:
        seed = Asked.of(run).seeds[0] % 97
        return Outcome("finished", scores={"val/loss": Asked.of(run).values["model.dropout"] + seed + run.number % 3})

    study = session(storage, asked, FINITE, do=do, see=see)
    assert len(study.runs.trials) > SEEDS


@pytest.mark.parametrize("status", ["diverged", "failed", "killed"])
def test_a_trial_that_fails_with_a_further_seed_has_failed_and_another_is_tried(status: TrialStatus) -> None:
    storage = in_memory()

    def do(run: FrozenTrial) -> Outcome:
        if is_further(run) and item_of(run) == (0, 3):
            return Outcome(status, "as arranged")
        return noisy(run)

    study = session(storage, racing_settings(), do=do)
    trial = study.trials[0]
    outcome = Outcome.of(trial)
    assert outcome is not None
    assert (trial.state.name, trial.values, outcome.status) == ("FAIL", None, status)
    assert outcome.reason == "with seed 3: as arranged"
    assert (study.finished, len(study.trials)) == (12, 13)
    assert shown(read_back(storage)) == shown(study.trials)
    assert study.known[0].state.name == "FAIL"


def test_a_score_that_is_infinite_is_out_of_the_race() -> None:
    def do(run: FrozenTrial) -> Outcome:
        outcome = noisy(run)
        is_worst = not is_further(run) and run.number == 0
        return replace(outcome, scores={"val/loss": math.inf}) if is_worst else outcome

    study = session(in_memory(), racing_settings(), do=do)
    assert len(Asked.of(study.trials[0]).seeds) == 1, "it was the best while it was alone"
    others = [value for trial in study.trials[1:] for value in trial.values]
    assert len(others) == 11
    assert all(map(math.isfinite, others))


def test_runs_of_other_values_than_the_trial_s_are_told(tmp_path: Path) -> None:
    from nnlab.errors import UserError

    storage = journal_storage(tmp_path)
    session(storage, racing_settings(trials=4))
    study = racing(storage, racing_settings(trials=4))
    other = next(trial for trial in study.trials if trial.number != 1)
    study.runs.create((1, 9), other, 5)
    run = study.runs.trials[-1]
    storage.set_trial_user_attr(run._trial_id, "outcome", noisy(run).to_dict())
    study.runs.tell(run, noisy(run))
    with pytest.raises(UserError, match="further seed of trial 1"):
        read_back(storage)


def test_a_study_without_a_race_is_read_back_as_it_is() -> None:
    storage = in_memory()
    assert study_of("x") == "x/race"
    study = session(storage, racing_settings(trials=2))
    assert raced(storage, "another", study.trials, LOSS) == study.trials
