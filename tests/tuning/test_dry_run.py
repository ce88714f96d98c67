"""What a dry run says that a study will propose is what the study proposes, and it is said of no trial too many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planning import plan
from sweeping import work

from nnlab.commands.dry_run_study import show_study
from nnlab.errors import UserError
from nnlab.tuning.beginning import beginning_of
from nnlab.tuning.dry_run import DryRun, dry_run
from nnlab.tuning.new_study import manifest_of
from nnlab.tuning.plan import Plan
from nnlab.tuning.storage import JOURNAL_FILE, open_storage
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked

NUMBERS = ["sweep.space=null", "optimizer.lr=tag(log, interval(0.01, 0.1))", "trainer.epochs=range(1, 3)"]
SMALL = ["model.hidden=[4]", "data.limit=50"]


@pytest.fixture(autouse=True)
def no_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.execution.forecast.seconds_of_run", lambda config, dataset: 1.0)


def looked_at(*arguments: str, folder: Path) -> DryRun:
    return dry_run(plan(*SMALL, *arguments, f"runs_dir={folder}"), None, [])


def study_of(plan: Plan, storage: Any, name: str = "study") -> Study:
    parts = (name, storage, plan.settings, plan.space, plan.fixed.seed, plan.fixed.trainer.last_epoch)
    return Study(*parts, accepts=plan.accepts, guesses=beginning_of(plan).guesses)


def asked(study: Study, storage: Any, count: int) -> list[Asked]:
    """What the next trials are asked, each told an outcome."""
    found = []
    for _ in range(count):
        trial = study.propose()
        found.append(Asked.of(trial))
        study.tell(trial, work(storage, trial))
    return found


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        ([], 10),
        (["sweep.sampler_options.startup_trials=4"], 4),
        (["sweep.sampler_options.startup_trials=0"], 1),
        (["sweep.sampler=random"], 10),
        (["sweep.sampler=cmaes"], 1),
        (["sweep.trials=3"], 3),
        (["sweep.sampler_options.startup_trials=0", "sweep.deterministic=true", "sweep.workers=3"], 3),
    ],
)
def test_the_first_trials_are_those_of_the_study_whatever_comes_of_them(
    arguments: list[str], known: int, tmp_path: Path
) -> None:
    found = looked_at(*NUMBERS, *arguments, folder=tmp_path / "runs")
    storage = open_storage(None, tmp_path / JOURNAL_FILE)
    study = study_of(found.plan, storage)
    assert len(found.proposed) == known
    if found.plan.settings.deterministic:
        trials = study.propose_batch(known)
        values = [Asked.of(trial).values for trial in trials]
    else:
        values = [each.values for each in asked(study, storage, known)]
    assert [each.asked.values for each in found.proposed] == values
    assert not (tmp_path / "runs").exists()


def test_a_study_that_goes_on_is_looked_at_with_the_trials_that_it_has(tmp_path: Path) -> None:
    arguments = [*SMALL, *NUMBERS, "sweep.sampler_options.startup_trials=4", f"runs_dir={tmp_path}"]
    started = plan(*arguments)
    directory = tmp_path / "study"
    directory.mkdir()
    manifest_of(started, "study", started.fingerprint(started.dataset.sha256), beginning_of(started)).save(directory)
    storage = open_storage(None, directory / JOURNAL_FILE)
    study = study_of(started, storage)
    asked(study, storage, 6)
    before = (directory / JOURNAL_FILE).read_bytes()

    found = dry_run(started, directory, arguments)
    assert (found.trials, found.use.finished, found.trials_left) == (6, 5, 35)  # one has failed
    assert found.learns_from == 7
    (proposed,) = found.proposed  # it has learned, and nothing is running
    assert (directory / JOURNAL_FILE).read_bytes() == before
    assert (proposed.number, proposed.asked.values) == (6, Asked.of(study.propose()).values)

    going = dry_run(started, directory, arguments)  # now one is running, whose outcome the next depends on
    assert (going.unfinished, going.proposed) == ([6], [])

    used_up = dry_run(plan(*arguments, "sweep.trials=5"), directory, arguments)
    assert (used_up.trials_left, used_up.proposed) == (0, [])

    with pytest.raises(UserError, match="nothing was started"):
        dry_run(plan(*arguments, "trainer.batch_size=8"), directory, arguments)


def test_a_grid_is_known_to_its_end(tmp_path: Path) -> None:
    few = ["sweep.space=null", "optimizer.lr=choice(0.01, 0.1)", "sweep.sampler=grid", "sweep.trials=2"]
    found = looked_at(*few, folder=tmp_path)
    assert found.learns_from is None
    assert sorted(each.asked.values["optimizer.lr"] for each in found.proposed) == [0.01, 0.1]


def test_runs_are_counted_by_seeds_and_confirmations(tmp_path: Path) -> None:
    found = looked_at(*NUMBERS, "sweep.seeds=3", "sweep.confirm=2", "sweep.trials=10", folder=tmp_path)
    assert (found.trials_left, found.runs_to_confirm) == (10, 2 * 5)


def test_a_name_that_is_taken_is_refused_before_anything_is_timed(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(UserError, match="must be free"):
        looked_at(*NUMBERS, "sweep.name=taken", folder=tmp_path)


def test_the_extremes_are_those_of_the_space(tmp_path: Path) -> None:
    found = dry_run(plan(f"runs_dir={tmp_path}"), None, [])  # digits: 64 numbers, 10 classes
    assert [point.size.multiplications for point in found.networks] == [
        64 * 32 + 32 * 10,
        64 * 256 + 256 * 256 + 256 * 256 + 256 * 10,
    ]
    assert found.runs[0].values["trainer.batch_size"] == 128
    assert found.runs[1].values["trainer.batch_size"] == 16


def test_without_a_number_of_trials_the_space_alone_limits_them(tmp_path: Path) -> None:
    assert looked_at(*NUMBERS, "sweep.seconds=60", folder=tmp_path).trials_left is None
    few = ["sweep.space=null", "optimizer.lr=choice(0.01, 0.1)", "sweep.patience=9"]
    found = looked_at(*few, folder=tmp_path)
    assert found.trials_left == len(found.proposed) == 2
    assert looked_at(*few, "sweep.repeat_duplicates=true", folder=tmp_path).trials_left is None


def test_guesses_come_first_and_are_known_if_nothing_of_them_is_drawn(tmp_path: Path) -> None:
    learns = [*NUMBERS, "sweep.sampler_options.startup_trials=1"]
    guesses = "sweep.first=[{optimizer.lr: 0.02, trainer.epochs: 1}, {optimizer.lr: 0.03, trainer.epochs: 2}]"
    found = looked_at(*learns, guesses, folder=tmp_path)
    assert [each.asked.values["optimizer.lr"] for each in found.proposed] == [0.02, 0.03]
    assert found.learns_from == 2
    partial = (
        "sweep.first=[{optimizer.lr: 0.02, trainer.epochs: 1}, {optimizer.lr: 0.03}]"  # the model draws its epochs
    )
    assert len(looked_at(*learns, partial, folder=tmp_path).proposed) == 1


def test_what_is_shown_satisfies_the_constraint(tmp_path: Path) -> None:
    found = dry_run(plan(f"runs_dir={tmp_path}", "sweep.constraint=parameters < 9000", "sweep.trials=8"), None, [])
    assert len(found.proposed) == 8
    shown = [*(each.point for each in found.proposed if each.point), *found.networks, *found.runs, *found.sample]
    assert all(point.size.parameters < 9000 for point in shown)
    # The largest: 64-64-32-32-10 has 7,600 with biases, 64-64-64-10 has 8,970.
    assert found.networks[1].size.parameters == 8970


def test_only_the_points_that_are_allowed_count_as_trials(tmp_path: Path) -> None:
    few = ["sweep.space=null", "optimizer.lr=choice(0.01, 0.03, 0.1)", "sweep.constraint=optimizer.lr < 0.05"]
    for budget in ("sweep.seconds=60", "sweep.trials=3"):
        for sampler in ("grid", "random"):
            found = looked_at(*few, budget, f"sweep.sampler={sampler}", folder=tmp_path)
            assert found.trials_left == len(found.proposed) == 2


def test_a_search_is_said_to_end_after_no_more_trials_than_there_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["sweep.space=null", "optimizer.lr=choice(0.01, 0.03, 0.1)", "sweep.constraint=optimizer.lr < 0.05"]
    asked = plan(*SMALL, *few, "sweep.sampler=grid", "sweep.seconds=60", f"runs_dir={tmp_path}")
    assert "2 of the 3 points of the search space are allowed" in asked.notes[-1]
    show_study(asked, None, [])
    assert "ends after 2 trials or after 60 s" in capsys.readouterr().out
