"""Studies whose rows are divided anew for each seed: trials are compared by paired splits, and no test row is mixed."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planning import plan, problems

from nnlab.batch import compose
from nnlab.config.holdout import with_test
from nnlab.config.job import Job
from nnlab.data import open_shared
from nnlab.data.loading import load
from nnlab.data.shared import save_shared
from nnlab.execution.run import run
from nnlab.tuning.plan import Plan
from nnlab.tuning.selection import candidate_of
from nnlab.tuning.storage import JOURNAL_FILE, open_storage
from nnlab.tuning.study import SHARED, Study, trial_seeds
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import Task, run_trial
from nnlab.tuning.winner import evaluate_winner

NULL = "data.split.seed=null"
SMALL = [
    "optimizer.lr=choice(0.1,0.2)",
    "model.hidden=[6]",
    "trainer.epochs=2",
    "tracking.plots=false",
    "sweep.seeds=2",
]
SMALL += ["sweep.pruner=none", "sweep.sampler=random", NULL]


class Trials:
    """The trials of a study, one after the other."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        storage = open_storage(None, folder / JOURNAL_FILE)
        fixed = plan.fixed
        self.study = Study("a-study", storage, plan.settings, plan.space, fixed.seed, 2, shares_seeds=True)
        self.tasks = Tasks(plan, "a-study", folder, folder / JOURNAL_FILE)

    def next(self) -> Task:
        return self.tasks.task(self.study.propose())


def test_runs_of_one_seed_have_one_split_and_none_has_test_rows(tmp_path: Path) -> None:
    trials = Trials(tmp_path, plan(*SMALL))
    first, second = trials.next(), trials.next()
    assert [config.seed for config in first.configs] == [config.seed for config in second.configs]
    assert len({config.seed for config in first.configs}) == 2
    assert list(first.data) == list(second.data)
    assert len(set(first.data)) == 2
    for config, folder in zip(first.configs, first.data, strict=True):
        expected, shared = load(config.data, seed=config.seed), open_shared(folder)
        np.testing.assert_array_equal(shared.train.index, expected.train.index)
        np.testing.assert_array_equal(shared.validation.index, expected.validation.index)
        assert len(expected.test) > 0 == len(shared.test)


def test_a_split_that_is_fixed_is_shared_by_all_seeds(tmp_path: Path) -> None:
    task = Trials(tmp_path, plan(*SMALL, "data.split.seed=0")).next()
    assert len(task.data) == 2
    assert len(set(task.data)) == 1


@pytest.mark.parametrize("is_pooled", [False, True])
def test_the_rows_of_all_splits_are_one_file(is_pooled: bool, tmp_path: Path) -> None:
    how = ["data=npz", f"data.root='{tmp_path / 'parts.npz'}'", f"data.split.pooled={is_pooled}".lower()]
    x, y = np.arange(400.0).reshape(-1, 2), np.arange(200) % 2
    np.savez(tmp_path / "parts.npz", x_train=x[:150], y_train=y[:150], x_test=x[150:], y_test=y[150:])
    made = plan(*SMALL, *how, "data.standardize=true", "trainer.batch_size=32")
    assert made.fixed.trainer.test is not is_pooled, "test rows of their own are the same for all seeds"
    first, second = (folder / "train_x.npy" for folder in Trials(tmp_path, made).next().data)
    assert first.stat().st_ino == second.stat().st_ino


def test_a_disk_without_links_gets_a_copy_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    task = Trials(tmp_path, plan(*SMALL)).next()
    first, second = (open_shared(folder) for folder in task.data)
    np.testing.assert_array_equal(first.train.x, second.train.x)


def test_a_file_of_rows_that_is_gone_is_written_again(tmp_path: Path) -> None:
    settings = plan(*SMALL).fixed.data
    written: dict[int, Any] = {}
    dataset = load(settings, seed=1)
    save_shared(dataset, tmp_path / "one", written)
    (tmp_path / "one" / "train_x.npy").unlink()
    save_shared(dataset, tmp_path / "two", written)
    np.testing.assert_array_equal(open_shared(tmp_path / "two").train.x, dataset.train.x)


def test_a_trials_run_repeated_alone_has_its_split_and_its_weights(tmp_path: Path) -> None:
    task = Trials(tmp_path, plan(*SMALL)).next()
    outcome = run_trial(task)
    for command, weights in zip(task.commands, outcome.weights_sha256, strict=True):
        job = compose(*command, f"runs_dir='{tmp_path / 'alone'}'", "tracking.enabled=false")
        assert run(Job(with_test(job.config, False), None, [])).weights_sha256 == weights


def test_the_winner_is_not_tested_where_its_rows_were_chosen_by(tmp_path: Path) -> None:
    several = plan(*SMALL)
    assert several.fixed.trainer.test is False
    assert len(several.notes) == 2
    (problem,) = problems(*SMALL, "trainer.test=true")
    assert problem.key == "trainer.test"
    for remedy in (["trainer.test=false"], ["trainer.test=true", "data.split.seed=0"]):
        plan(*SMALL, *remedy)


@pytest.mark.parametrize(
    "how",
    [
        ["sweep.seeds=1"],
        ["data.split.strategy=tail"],
        ["data=toy", "model=toy", "trainer.batch_size=8"],
        ["data.split.seed=0"],
    ],
    ids=["one seed", "the last rows", "all rows are all splits", "one split"],
)
def test_the_winner_is_tested_where_all_seeds_have_one_test_split(how: list[str]) -> None:
    for test in ("auto", "true"):
        assert plan(*SMALL, *how, f"trainer.test={test}").fixed.trainer.test is True


def test_a_winner_of_one_seed_is_tested_on_the_rows_that_no_trial_has_seen(tmp_path: Path) -> None:
    made = plan(*SMALL, "sweep.seeds=1", "tracking.enabled=false")
    trials = Trials(tmp_path, made)
    task = trials.next()
    trials.study.tell(trials.study.trials[0], run_trial(task))
    (best,) = trials.study.trials
    chosen = candidate_of(best, trials.tasks)
    winner = evaluate_winner(chosen, [chosen.paths], made.fixed.tracking, warn=pytest.fail, announce=None)
    command = shlex.split(winner.command)[3:]
    alone = run(compose(*command, f"runs_dir='{tmp_path / 'alone'}'", "tracking.enabled=false"))
    assert {name: alone.scores[name] for name in winner.scores} == winner.scores


def test_a_seed_that_cannot_divide_the_rows_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Of a class with two rows, some seeds hold both out."""
    labels = np.repeat([0, 1, 2], [30, 30, 2])
    np.savez(tmp_path / "rare.npz", x_train=np.arange(62.0).reshape(-1, 1), y_train=labels)
    rare = ["data=npz", f"data.root='{tmp_path / 'rare.npz'}'", "data.split.strategy=random", "data.split.test=0.3"]
    found = problems(*SMALL, *rare, "sweep.seeds=60", "trainer.batch_size=4")
    assert all(problem.key in ("data.split.seed", "data") for problem in found)
    assert any(str(seed) in str(found) for seed in trial_seeds(0, SHARED, 60))


def test_fresh_seeds_divide_the_rows_anew_so_that_no_row_is_unseen_by_a_winner_chosen_with_them() -> None:
    confirmed = ["sweep.seeds=1", "sweep.trials=4", "sweep.confirm=2"]
    made = plan(*SMALL, *confirmed)
    assert made.fixed.trainer.test is False
    assert len(made.notes) == 2
    assert "trainer.test" in {problem.key for problem in problems(*SMALL, *confirmed, "trainer.test=true")}
    assert plan(*SMALL, *confirmed, "data.split.strategy=tail").fixed.trainer.test is True
